"""The first administrator's first minutes, in a browser: the link, a token, somebody new, and out again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.server import serving

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def look(page: Page, axe: str) -> None:
    """Everything fits the window, and axe finds nothing."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(axe)
    found = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    told = [f"{v['id']}: {node['html'][:160]}" for v in found["violations"] for node in v["nodes"]]
    assert (page.url, told) == (page.url, [])


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_first_minutes(
    repository: Path, browser: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    axe = (repository / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text()
    with serving(tmp_path, repository / "examples" / "clock.py", FRONTDESK_ACCESS="accounts") as server:
        link = re.search(r"/welcome\?code=\S+", server.log_text())
        assert link
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            bypass_csp=True,
            base_url=server.url,
        )  # type: ignore[arg-type]
        page = context.new_page()
        page.goto("/jobs")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        look(page, axe)
        referrers: list[str] = []
        page.on("request", lambda request: referrers.append(request.headers.get("referer", "")))
        page.goto(link[0])
        look(page, axe)
        page.get_by_label("E-mail address").fill("ada@example.org")
        page.get_by_label("Name").fill("Augusta Ada King-Noel, Countess of Lovelace")
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Create the account").click()
        page.get_by_role("link", name="Administration").wait_for()
        assert any(referrers)
        assert "code=" not in " ".join(referrers)  # it would be in the logs of whoever stands between
        page.get_by_role("link", name="Augusta Ada").click()
        page.get_by_label("What it is for").fill("nightly")
        page.get_by_label("Days it lasts").fill("two")
        page.get_by_role("button", name="Make the token").click()
        expect(page.locator("#token-days")).to_have_value("two")
        page.get_by_label("Days it lasts").fill("2")
        page.get_by_role("button", name="Make the token").click()
        expect(page.locator(".secret")).to_have_text(re.compile(r"^fd_[\w-]{43}$"))
        look(page, axe)
        page.get_by_role("link", name="Administration").click()
        page.get_by_label("E-mail address").fill("bob@example.org")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator(".secret")).to_have_text(re.compile(r"/welcome\?code="))
        look(page, axe)
        page.goto("/tasks/clock")
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("#answer")).to_contain_text("Version 1")
        page.goto("/status")
        session = context.cookies()
        context.clear_cookies()  # as when it has ended while its page is open
        expect(page.locator("main").get_by_role("link", name="Sign in")).to_be_visible(timeout=15_000)
        look(page, axe)
        context.add_cookies(session)  # type: ignore[arg-type]
        page.goto("/tasks/clock")
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("E-mail address").fill("ada@example.org")
        page.get_by_label("Password").fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("The address or the password is wrong.")
        look(page, axe)
        context.close()
