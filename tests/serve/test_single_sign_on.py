"""Single sign-on, at a provider that is a process of its own."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from support.people import Browser, Guarded
from support.server import until

SHOP = Path(__file__).parent / "shop"
PEOPLE = (
    {"sub": "ann-there", "email": "Ann@Example.org", "email_verified": True, "name": "Ann"},
    {"sub": "liar", "email": "ada@example.org", "email_verified": False, "name": "Liar"},
    {"sub": "new", "email": "new@example.org", "email_verified": True, "name": "New"},
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [word for person in PEOPLE for word in ("--user-claims", json.dumps(person))]
    program = Path(sys.executable).parent / "oidc-provider-mock"
    process = subprocess.Popen(
        [program, "--port", str(port), "--require-nonce", "true", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False

    until(answers, 20, "the provider")
    yield url
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, issuer: str) -> Iterator[Guarded]:
    guarded = Guarded(
        tmp_path_factory.mktemp("sso"), SHOP, oidc_issuer=issuer, oidc_client_id="frontdesk",
        oidc_client_secret="shared", oidc_new_role="viewer",
    )  # fmt: skip
    yield guarded
    guarded.close()


def back_from_provider(browser: Browser, subject: str, target: str = "/status") -> str:
    """Leave for the provider, say there who one is; give the address the browser is sent back to."""
    left = browser.get("/signin/oidc", params={"next": target})
    assert left.status_code == 303
    asked = parse_qs(urlsplit(left.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    said = httpx.post(left.headers["location"], data={"sub": subject, "action": "authorize"})
    return str(said.headers["location"])


def test_somebody_known_by_address_comes_in_as_themselves(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        assert "Sign in with your organisation" in browser.get("/signin").text
        for _ in range(2):  # the second time known by what the provider calls them
            answer = browser.get(back_from_provider(browser, "ann-there"))
            assert (answer.status_code, answer.headers["location"]) == (303, "/status")
            me = browser.get("/api/me").json()
            assert (me["owner"], me["role"]) == (guarded.users["ann"].id, "member")
            browser.press("/account", "/signout")


def test_an_address_nobody_checked_is_nobodys(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        assert browser.get(back_from_provider(browser, "liar")).status_code == 403
        assert browser.get("/account").status_code == 303


def test_somebody_new_gets_the_role_of_new_ones(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        assert browser.get(back_from_provider(browser, "new")).status_code == 303
        assert browser.get("/api/me").json()["role"] == "viewer"


def test_an_answer_for_another_browser_is_refused(guarded: Guarded) -> None:
    with guarded.browser() as victim, guarded.browser() as attacker:
        victim.get("/signin")
        assert victim.get(back_from_provider(attacker, "ann-there")).status_code == 403
    with guarded.browser() as attacker, guarded.browser() as without_cookie:
        assert without_cookie.get(back_from_provider(attacker, "ann-there")).status_code == 403


def test_an_answer_is_good_once_and_for_its_own_question(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        address = back_from_provider(browser, "ann-there")
        state = parse_qs(urlsplit(address).query)["state"][0]
        elsewhere = base64.urlsafe_b64encode(b"https://evil.example").decode().rstrip("=")
        bent = address.replace(state.rpartition(".")[2], elsewhere)
        assert browser.get(bent).status_code == 403
        assert browser.get(address).status_code == 303
        browser.press("/account", "/signout")
        assert browser.get(address).status_code == 403
        assert browser.get("/signin/oidc/back?state=&code=x").status_code == 403
