"""WCAG 2.2 AA as far as a program can judge: axe-core on every page, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.server import Server

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def axe(repository: Path) -> str:
    return (repository / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text()


def check(page: Page, axe: str) -> None:
    page.evaluate(axe)
    found = page.evaluate("(rules) => axe.run(document, { runOnly: rules })", RULES)
    told = [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert told == []
    assert len(found["passes"]) > 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["/", "/tasks/flowers", "/tasks/look", "/tasks/ink", "/tasks/everything", "/tasks/opinions", "/tasks/clock/models",
     "/tasks/flowers/batch",
     "/jobs", "/status", "/admin/workers", "/nowhere"],
)  # fmt: skip
def test_a_page(visit, axe: str, path: str, scheme: str) -> None:
    check(visit(path, color_scheme=scheme, bypass_csp=True), axe)


def test_what_is_wider_than_a_phone_is_reached_by_keyboard(visit, axe: str) -> None:
    check(visit("/status", "phone", bypass_csp=True), axe)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "button", "shows"),
    [
        ("/tasks/opinions", "Ask all", "svg.spread"),
        ("/tasks/length", "Ask", ".histogram"),
        ("/tasks/everything", "Ask", "td"),
        ("/tasks/look", "Ask", ".fault"),
    ],
)
def test_an_answer(visit, axe: str, path: str, button: str, shows: str, scheme: str) -> None:
    page = visit(path, color_scheme=scheme, bypass_csp=True)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(f"#answer {shows}").first).to_be_attached()
    expect(page.locator("#answer")).not_to_have_attribute("aria-busy", "true")
    for summary in page.locator("#answer summary").all():
        summary.click()
    check(page, axe)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_ticket_in_each_state(visit, axe: str, server: Server, scheme: str) -> None:
    waiting = server.submit("double", x=1, pause_s=300)
    check(visit(f"/jobs/{waiting}", color_scheme=scheme, bypass_csp=True), axe)
    server.http.post(f"/api/jobs/{waiting}/cancel")
    done, failed = server.submit("double", x=2), server.submit("trouble", what="raise")
    for job in (waiting, done, failed):
        server.finished(job)
        check(visit(f"/jobs/{job}", color_scheme=scheme, bypass_csp=True), axe)
