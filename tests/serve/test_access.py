"""Signing in, tokens, visitors, limits: each rule, at a real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from frontdesk.access.rules import Action
from frontdesk.errors import StoreUnavailable
from support.people import BY, PASSWORD, Browser, Guarded
from support.server import until

SHOP = Path(__file__).parent / "shop"
ASK = "/api/tasks/double/predict"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server where one task, `double`, may be asked by anybody."""
    guarded = Guarded(
        tmp_path_factory.mktemp("guarded"),
        SHOP,
        public="double",
        visitor_requests=0,
        allowed_hosts="desk.example",
    )
    yield guarded
    guarded.close()


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Guarded]:
    """A server where everything is scarce."""
    limited = Guarded(
        tmp_path,
        SHOP,
        public="double",
        visitor_requests=3,
        quota_requests=12,
        quota_jobs_waiting=2,
        quota_bytes=100,
    )
    yield limited
    limited.close()


# ------------------------------------------------------------------------------- signing in


def test_signing_in_leads_back_to_what_was_asked_for(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        sent_away = browser.get("/status?x=1")
        assert (sent_away.status_code, sent_away.headers["location"]) == (303, "/signin?next=/status%3Fx%3D1")
        answer = browser.sign_in("ann", target="/status?x=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/status?x=1")
        assert browser.get("/status").status_code == 200
        assert "Sign out" in browser.get("/account").text


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_signing_in_leads_nowhere_else(guarded: Guarded, target: str) -> None:
    with guarded.browser() as browser:
        assert browser.sign_in("ann", target=target).headers["location"] == "/"


def test_the_cookie_is_for_this_server_and_no_script(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        plain = browser.sign_in("ann").headers["set-cookie"]
        assert re.match(r"frontdesk-\d+=[\w-]{43}; Path=/; Max-Age=\d+; HttpOnly; SameSite=Lax", plain)
    # A proxy on this machine ended TLS, and says so.
    with Browser(guarded.url) as browser:
        browser.headers.update({"X-Forwarded-Proto": "https", "Host": "desk.example"})
        page = browser.get("/signin")
        jar = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
        code = re.search(r'name="fd-csrf" value="([^"]+)"', page.text)
        assert code
        fields = {"fd-csrf": code[1], "email": "ann@example.org", "password": PASSWORD}
        answer = browser.post("/signin", data=fields, headers=jar)
        assert answer.status_code == 303
        assert re.match(r"__Host-frontdesk=[\w-]{43}; .*; Secure$", answer.headers["set-cookie"])


def test_no_password_goes_over_a_line_others_listen_to(guarded: Guarded) -> None:
    answer = httpx.post(
        f"{guarded.url}/signin", data={"email": "ann@example.org", "password": PASSWORD},
        headers={"Host": "desk.example"},
    )  # fmt: skip
    assert answer.status_code == 403
    assert "takes https" in answer.json()["detail"]


def test_unknown_and_known_accounts_are_refused_alike_and_then_slowed_down(limited: Guarded) -> None:
    answers: dict[str, list[tuple[int, str]]] = {"ann": [], "zoe": []}
    took: dict[str, list[float]] = {"ann": [], "zoe": []}
    limited.gate.throttle.begin("warm@example.org", "192.0.2.1")
    for name, seen in answers.items():
        for _ in range(11):
            began = time.perf_counter()
            answer = httpx.post(
                f"{limited.url}/signin", data={"email": f"{name}@example.org", "password": "not the password"},
                headers={"Accept": "text/html", "X-Forwarded-For": f"192.0.2.{len(seen) + 10}"},
            )  # fmt: skip
            took[name].append(time.perf_counter() - began)
            shown = re.sub(r'value="[^"]*"', "", answer.text)
            seen.append((answer.status_code, shown))
    assert answers["ann"] == answers["zoe"]
    assert [status for status, _ in answers["ann"]] == [403] * 10 + [429]
    medians = [sorted(times[:10])[5] for times in took.values()]
    assert max(medians) < 2 * min(medians), took


def test_a_right_password_starts_afresh(guarded: Guarded) -> None:
    for _ in range(3):
        for _ in range(4):
            with guarded.browser() as browser:
                assert browser.sign_in("vera", "not the password").status_code == 403
        with guarded.browser() as browser:
            assert browser.sign_in("vera").status_code == 303


def test_signing_out_ends_the_session_and_not_only_the_cookie(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        browser.sign_in("ann")
        cookies = dict(browser.cookies)
        assert browser.press("/account", "/signout").headers["location"] == "/signin"
    with httpx.Client(base_url=guarded.url, cookies=cookies) as thief:
        assert thief.get("/api/hosts").status_code == 401


def test_a_new_password_ends_the_other_sessions(guarded: Guarded) -> None:
    with guarded.browser() as here, guarded.browser() as there:
        here.sign_in("bob")
        there.sign_in("bob")
        wrong = here.press("/account", "/account/password", old="not it", new="another long password")
        assert wrong.status_code == 422
        done = here.press("/account", "/account/password", old=PASSWORD, new="another long password")
        assert "Your password is changed" in done.text
        assert here.get("/account").status_code == 200
        assert there.get("/account").headers["location"].startswith("/signin")
    assert guarded.signing_in("bob") == 403
    guarded.gate.sessions.change_password(
        BY, guarded.users["bob"].id, "another long password", PASSWORD, None
    )


def test_the_first_link_makes_an_administrator_once(tmp_path: Path) -> None:
    from support.web import Web

    web = Web(tmp_path, SHOP, access="accounts")
    try:
        old, code = (web.installation.gate.invitations.for_first() for _ in range(2))
        assert old
        assert code
        with Browser(web.url) as browser:
            assert browser.get(f"/welcome?code={old}").status_code == 410
            page, fields = f"/welcome?code={code}", {"code": code, "email": "Me@Example.org", "name": "Me"}
            weak = browser.press(page, "/welcome", **fields, password="short")
            assert weak.status_code == 422
            assert "at least 10 characters" in weak.text
            assert browser.press(page, "/welcome", **fields, password=PASSWORD).status_code == 303
            assert browser.get("/api/me").json()["role"] == "admin"
            assert browser.get(page).status_code == 410
        assert web.installation.gate.invitations.for_first() is None
    finally:
        web.close()


# --------------------------------------------------------------------- meant, and not only sent


def test_what_comes_with_a_cookie_needs_the_code_of_our_pages(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        browser.sign_in("ann")
        body, ticket = {"inputs": {"x": 1}}, {"Prefer": "respond-async"}
        assert browser.post(ASK, json=body, headers=ticket).status_code == 403
        code = browser.get("/api/me").json()["csrf_token"]
        job = browser.post(ASK, json=body, headers={**ticket, "X-CSRF-Token": code}).json()["id"]
        for wrong in ({}, {"fd-csrf": ""}, {"fd-csrf": "x" * 80}, {"fd-csrf": code[:-1] + "!"}):
            assert browser.post(f"/jobs/{job}/cancel", data=wrong).status_code == 403
        assert browser.delete(f"/api/jobs/{job}").status_code == 403
        with guarded.browser() as other:
            other.sign_in("bob")
            foreign = other.get("/api/me").json()["csrf_token"]
        assert browser.post(f"/jobs/{job}/cancel", data={"fd-csrf": foreign}).status_code == 403
        assert browser.get(f"/api/jobs/{job}").json()["state"] == "queued"
        assert browser.post(f"/jobs/{job}/cancel", data={"fd-csrf": code}).status_code == 303


def test_a_form_with_files_brings_the_code_first(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        browser.sign_in("ann")
        code = browser.code("/tasks/double")
        assert (
            browser.post("/tasks/double", files={"fd-csrf": (None, code), "x": (None, "4")}).status_code
            == 200
        )
        late = {"x": (None, "4"), "fd-csrf": (None, code)}
        assert browser.post("/tasks/double", files=late).status_code == 403


# ------------------------------------------------------------------------------------ tokens


def test_a_token_is_shown_once_and_does_what_it_is_for(guarded: Guarded) -> None:
    with guarded.browser() as browser:
        browser.sign_in("ann")
        page = browser.press(
            "/account", "/account/tokens", name="nightly", **{"scope-batch": "yes"}, days="7"
        )
        secret = re.search(r"fd_[\w-]{43}", page.text)
        assert secret
        again = browser.get("/account").text
        assert secret[0] not in again
        assert "nightly" in again
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {secret[0]}"}) as program:
        refused = program.post(ASK, json={"inputs": {"x": 1}})
        assert (refused.status_code, refused.json()["detail"]) == (
            403, "This token may not ask double: it does not have the scope ask.",
        )  # fmt: skip
        assert program.get("/api/jobs").status_code == 200
        assert program.get("/api/tokens").status_code == 403
    assert guarded.gate.tokens.list(guarded.users["ann"].id)[0].used_at is not None


def test_a_token_for_one_task_is_for_no_other(guarded: Guarded) -> None:
    with guarded.program("ann", Action.ASK, tasks=frozenset({"double"})) as program:
        assert program.post(ASK, json={"inputs": {"x": 2}}).status_code == 200
        assert program.post("/api/tasks/trouble/predict", json={"inputs": {}}).status_code == 403


def test_a_token_is_limited_by_the_role_of_its_owner(guarded: Guarded) -> None:
    with guarded.program("ann") as program:
        assert program.get("/api/users").status_code == 403
        assert program.post("/api/tokens", json={"name": "x", "scopes": ["admin"]}).status_code == 422
    with guarded.program("ada", Action.ASK) as program:
        assert program.get("/api/users").status_code == 403


def test_a_token_ends_when_its_time_is_over(guarded: Guarded) -> None:
    with guarded.program("ann", days=5 / 24 / 3600) as program:
        assert program.get("/api/jobs").status_code == 200
        until(lambda: program.get("/api/jobs").status_code == 401, 30, "its end", every_s=0.2)


def test_what_is_revoked_ends_within_five_seconds_streams_included(guarded: Guarded) -> None:
    with guarded.program("ann") as program:
        token = guarded.gate.tokens.list(guarded.users["ann"].id)[0]
        with program.stream("GET", "/api/events") as stream:
            chunks = stream.iter_bytes()
            assert next(chunks).startswith(b"retry:")
            guarded.gate.tokens.revoke(BY, token.id, None)  # as another process would
            began = time.monotonic()
            assert b"".join(chunks) == b""
            assert time.monotonic() - began < 5
        assert program.get("/api/jobs").status_code == 401


def test_a_stream_outlives_a_restart_of_the_database(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def away(secret: str) -> None:
        asked.append(secret)
        raise StoreUnavailable("The server's database is not there now.")

    with (
        guarded.program("ann") as program,
        guarded.program("ann") as other,
        program.stream("GET", "/api/events") as stream,
    ):
        chunks = stream.iter_bytes()
        assert next(chunks).startswith(b"retry:")
        with monkeypatch.context() as restarting:
            restarting.setattr(guarded.gate, "of_token", away)
            until(lambda: len(asked) >= 2, 20, "two looks in vain")
        ticket = other.post(ASK, json={"inputs": {"x": 1}}, headers={"Prefer": "respond-async"})
        assert ticket.status_code == 202
        assert ticket.json()["id"].encode() in next(chunks)


def test_somebody_disabled_is_out_with_all_they_have(guarded: Guarded) -> None:
    user = guarded.users["vera"].id
    with guarded.program("vera") as program, guarded.browser() as browser, guarded.program("ada") as ada:
        browser.sign_in("vera")
        assert ada.patch(f"/api/users/{user}", json={"active": False}).json()["active"] is False
        assert program.get("/api/jobs").status_code == 401
        assert browser.get("/account").status_code == 303
        assert guarded.signing_in("vera") == 403
        ada.patch(f"/api/users/{user}", json={"active": True})
        assert program.get("/api/jobs").status_code == 200
        assert browser.get("/account").status_code == 303


# ---------------------------------------------------------------------------------- visitors


def test_a_visitor_may_ask_what_is_public_and_see_nothing_else(guarded: Guarded) -> None:
    with guarded.program(None) as visitor:
        assert visitor.post(ASK, json={"inputs": {"x": 2}}).json()["outputs"]
        assert visitor.post("/api/tasks/trouble/predict", json={"inputs": {}}).status_code == 401
        assert [task["name"] for task in visitor.get("/api/tasks").json()["items"]] == ["double"]
        assert visitor.get("/api/tasks/trouble").status_code == 401
        assert visitor.post("/api/files", files={"file": ("a", b"a")}).status_code == 401
        front = visitor.get("/", headers={"Accept": "text/html"}).text
        assert "/tasks/double" in front
        assert "/tasks/trouble" not in front


def test_a_visitors_ticket_is_read_with_its_id_and_changed_by_who_made_it(guarded: Guarded) -> None:
    with guarded.program(None) as visitor:
        made = visitor.post(ASK, json={"inputs": {"x": 3}}, headers={"Prefer": "respond-async"})
        address = f"/api/jobs/{made.json()['id']}"
        with guarded.program("bob") as bob, guarded.program(None) as other:
            for somebody in (bob, other):
                assert somebody.get(address).json()["state"] == "queued"
                assert somebody.post(f"{address}/cancel").status_code == 403
                assert somebody.delete(address).status_code == 403
        assert [job["id"] for job in visitor.get("/api/jobs").json()["items"]] == [made.json()["id"]]
        assert visitor.post(f"{address}/cancel").status_code == 403  # a cookie, but not meant
        code = visitor.get("/api/me").json()["csrf_token"]
        assert (
            visitor.post(f"{address}/cancel", headers={"X-CSRF-Token": code}).json()["state"] == "cancelled"
        )


def test_rules_of_a_task_hold_at_once(guarded: Guarded) -> None:
    with guarded.program("ada") as ada, guarded.program("vera") as vera, guarded.program(None) as nobody:
        trouble, rule = "/api/tasks/trouble/predict", "/api/rules/trouble/ask"
        for least, expected in (("trainer", (403, 401)), ("public", (200, 200)), (None, (200, 401))):
            assert ada.put(rule, json={"least": least}).status_code == 204
            statuses = tuple(who.post(trouble, json={"inputs": {}}).status_code for who in (vera, nobody))
            assert statuses == expected, least
        assert ada.put(rule, json={"least": "anybody"}).status_code == 422
        assert ada.put("/api/rules/nothing/ask", json={"least": None}).status_code == 404


# --------------------------------------------------------------------------- administration


def test_an_administrator_sees_the_jobs_of_others_when_asked_to(guarded: Guarded) -> None:
    with guarded.program("ann") as ann, guarded.program("ada") as ada:
        job = ann.post(ASK, json={"inputs": {"x": 5}}, headers={"Prefer": "respond-async"}).json()["id"]
        owner = guarded.users["ann"].id
        assert job not in [item["id"] for item in ada.get("/api/jobs").json()["items"]]
        for asked in (owner, "*"):
            found = ada.get("/api/jobs", params={"owner": asked}).json()["items"]
            assert job in [item["id"] for item in found]
        assert ann.get("/api/jobs", params={"owner": guarded.users["bob"].id}).status_code == 403
        assert ada.post(f"/api/jobs/{job}/cancel").json()["state"] == "cancelled"


def test_there_is_always_an_administrator(guarded: Guarded) -> None:
    with guarded.program("ada") as ada:
        for change in ({"active": False}, {"role": "member"}):
            refused = ada.patch(f"/api/users/{guarded.users['ada'].id}", json=change)
            assert refused.status_code == 409, change


def test_an_administrator_adds_somebody_by_a_link(guarded: Guarded) -> None:
    with guarded.browser() as ada:
        ada.sign_in("ada")
        page = ada.press("/admin", "/admin/users", email="New@Example.org", name="New", role="trainer")
        link = re.search(r"/welcome\?code=([\w-]{43})", page.text)
        assert link
        again = ada.press("/admin", "/admin/users", email="new@example.org", name="", role="viewer")
        assert again.status_code == 409
    with guarded.browser() as new:
        assert new.press(link[0], "/welcome", code=link[1], password=PASSWORD).status_code == 303
        assert new.get("/api/me").json()["role"] == "trainer"
        assert new.get("/admin").status_code == 403
    deeds = [(deed.actor, deed.action) for deed in guarded.gate.audit.list(20).items]
    assert ("ada@example.org", "user.added") in deeds
    assert ("new@example.org", "sign-in") in deeds


# -------------------------------------------------------------------------------------- limits


def test_answers_say_how_many_requests_are_left(limited: Guarded) -> None:
    with limited.program("ann") as ann:
        first = ann.get("/api/jobs").headers
        assert first["ratelimit-policy"] == '"requests";q=12;w=60'
        assert re.fullmatch(r'"requests";r=11;t=\d+', first["ratelimit"])
        answers = [ann.get("/api/jobs") for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 11 + [429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert re.fullmatch(r'"requests";r=0;t=\d+', answers[-1].headers["ratelimit"])
    with limited.program("bob") as bob:
        assert bob.get("/api/jobs").status_code == 200


def test_visitors_are_limited_by_address_whatever_cookie_they_show(limited: Guarded) -> None:
    statuses = [httpx.post(f"{limited.url}{ASK}", json={"inputs": {"x": 1}}).status_code for _ in range(17)]
    assert statuses == [200] * 15 + [429] * 2


def test_only_so_many_jobs_wait_and_so_many_bytes_stay(limited: Guarded) -> None:
    with limited.program("ann") as ann:
        statuses = []
        for x in (1, 2, 2, 3):  # the second 2 is the same ticket
            asked = ann.post(ASK, json={"inputs": {"x": x}}, headers={"Prefer": "respond-async"})
            statuses.append(asked.status_code)
        assert statuses == [202, 202, 202, 429]
        assert asked.headers["retry-after"] == "10"
        assert ann.post("/api/files", files={"file": ("a", b"a" * 90)}).status_code == 201
        refused = ann.post("/api/files", files={"file": ("a", b"a" * 20)})
        assert (refused.status_code, "90 of 100 bytes" in refused.json()["detail"]) == (413, True)
        used = ann.get("/api/me").json()
        assert (used["jobs_waiting"], used["stored_bytes"]) == (
            {"used": 2, "limit": 2},
            {"used": 90, "limit": 100},
        )


def test_nothing_secret_is_stored_or_written(limited: Guarded, tmp_path: Path) -> None:
    with limited.browser() as browser:
        browser.sign_in("ann")
        secrets = [PASSWORD, limited.token("ann"), *dict(browser.cookies).values()]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert kept
    assert [secret for secret in secrets if secret.encode() in kept] == []
