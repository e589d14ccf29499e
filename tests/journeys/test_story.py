"""The whole story of a file, in a browser: sign in, upload, watch, be told, download, open, retry, archive, remove."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser, Page, expect

from support.server import Server, serving

TASKS = Path(__file__).parent.parent / "support" / "tasks"
PASSWORD = "correct horse battery"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

SignIn = Callable[[str], Page]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    """A server with sign-in, on which ann and bob are members."""
    with serving(
        tmp_path / "data", TASKS / "pair.py", TASKS / "slow.py", FRONTDESK_ACCESS="accounts"
    ) as server:
        for name in ("ann", "bob"):
            words = ("users", "add", f"{name}@example.org", "--role", "member", "--password-stdin")
            server.run(*words, input=PASSWORD)
        yield server


@pytest.fixture
def signed_in(browser: Browser, guarded: Server) -> Iterator[SignIn]:
    contexts = []

    def sign_in(name: str) -> Page:
        context = browser.new_context(base_url=guarded.url, accept_downloads=True, bypass_csp=True)
        contexts.append(context)
        page = context.new_page()
        page.goto("/signin")
        page.get_by_label("E-mail address").fill(f"{name}@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(guarded.url + "/")
        return page

    yield sign_in
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def axe(repository: Path) -> str:
    return (repository / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text()


def look(page: Page, axe: str) -> None:
    """Nothing is wider than a phone, and axe finds nothing, in light and dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(axe)
        found = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
        told = [f"{v['id']}: {node['html'][:160]}" for v in found["violations"] for node in v["nodes"]]
        assert (page.url, told) == (page.url, [])
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    page.set_viewport_size({"width": 1280, "height": 900})


def send(page: Page, task: str, file: Path) -> None:
    page.goto(f"/tasks/{task}/batch")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/jobs/[\w-]{36}$"))


def test_from_signing_in_to_removing(signed_in: SignIn, guarded: Server, tmp_path: Path, axe: str) -> None:
    ann, bob = signed_in("ann"), signed_in("bob")
    elsewhere = ann.context.new_page()
    elsewhere.goto("/status")
    bob.goto("/tasks/slow")
    file = tmp_path / "March.csv"
    file.write_text("id,x\n" + "".join(f"{n:04},{n}\n" for n in range(40)))

    send(ann, "slow", file)
    expect(ann.locator("article.ticket")).to_contain_text(re.compile("In progress|in line|at work"))
    panel = ann.context.new_page()
    panel.goto("/jobs")
    expect(panel.locator("tr", has_text="March.csv")).to_contain_text(re.compile("In progress|Pending"))
    # Told on every open page, and on the panel without a reload.
    for page in (ann, elsewhere, panel):
        expect(page.locator(".toast")).to_contain_text("March.csv is processed", timeout=20_000)
    expect(panel.locator("tr", has_text="March.csv")).to_contain_text("Processed")
    expect(elsewhere.get_by_role("link", name=re.compile("Notices *, *1 *not read"))).to_be_visible()
    expect(bob.locator(".toast")).to_have_count(0)

    with ann.expect_download() as downloading:
        ann.get_by_role("link", name="Download the result").click()
    got = tmp_path / "got.xlsx"
    downloading.value.save_as(got)
    rows = list(openpyxl.load_workbook(got).active.values)  # type: ignore[union-attr]
    assert rows[0] == ("id", "x", "prediction", "error")
    assert [(str(row[0]), row[1], row[2]) for row in rows[1:]] == [(f"{n:04}", n, n) for n in range(40)]

    elsewhere.goto("/notices")
    look(elsewhere, axe)
    elsewhere.get_by_role("button", name="Mark all as read").click()
    expect(elsewhere.locator(".unread")).to_be_hidden()
    elsewhere.get_by_role("link", name="What I am told").click()
    look(elsewhere, axe)
    elsewhere.get_by_label("Address").fill("https://8.8.8.8/told")  # nothing is sent there
    elsewhere.get_by_role("button", name="Add the webhook").click()
    expect(elsewhere.locator(".secret")).to_contain_text("whsec_")
    elsewhere.get_by_role("link", name="https://8.8.8.8/told").click()
    look(elsewhere, axe)
    elsewhere.goto("/schedules")
    look(elsewhere, axe)
    bob.goto("/notices")
    expect(bob.locator("main")).to_contain_text("Nothing yet")


def test_one_that_fails_is_mended_archived_and_removed(
    signed_in: SignIn, guarded: Server, tmp_path: Path, axe: str
) -> None:
    ann = signed_in("ann")
    file = tmp_path / "faulty.csv"
    file.write_text("x\n1\nno\n")
    ann.goto("/tasks/pair/batch")
    ann.get_by_label("Stop at the first row").check()
    ann.locator("input[type=file]").set_input_files(file)
    ann.get_by_role("button", name="Start").click()
    expect(ann.locator("article.ticket")).to_contain_text("Row 2: x: 'no': Must be a number.")
    ann.goto("/jobs?search=FAULTY")
    row = ann.locator("tr", has_text="faulty.csv")
    expect(row).to_contain_text("Failed")
    look(ann, axe)
    row.get_by_role("button", name="Retry").click()
    ann.goto("/jobs?search=faulty")
    expect(row).to_contain_text("Failed")  # the file is as it was
    row.get_by_role("button", name="Archive").click()
    ann.goto("/jobs?search=faulty")
    expect(ann.locator("main")).to_contain_text("No job matches")
    look(ann, axe)
    ann.goto("/jobs?search=faulty&archived=true")
    row.get_by_role("button", name="Remove").click()
    ann.goto("/jobs?search=faulty&archived=true")
    expect(ann.locator("main")).to_contain_text("No job matches")
