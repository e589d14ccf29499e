"""What a visitor does, in a real browser."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from support.server import Server, serving

BOTH = pytest.mark.parametrize("device", ["desktop", "phone"])


def ask(page: Page) -> None:
    page.get_by_role("button", name="Ask", exact=True).click()


@BOTH
@pytest.mark.parametrize(
    "path", ["/", "/tasks/flowers", "/tasks/clock", "/tasks/law", "/jobs", "/status", "/nowhere"]
)
def test_no_page_is_wider_than_the_screen(visit, path: str, device: str) -> None:
    page = visit(path, device)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("h1").count() == 1


@BOTH
def test_a_visitor_finds_a_task_moves_a_slider_and_sees_the_species(visit, device: str) -> None:
    page = visit("/", device)
    page.get_by_role("link", name="Which iris is it?").click()
    page.locator('[data-pair="in-petal_length"]').fill("1.4")
    page.get_by_label("Petal width").fill("0.2")
    expect(page.get_by_label("Petal length")).to_have_value("1.4")
    ask(page)
    expect(page.locator("#answer .answer")).to_have_text("Setosa")
    expect(page.locator("#answer .bars li")).to_have_count(3)


def test_the_keyboard_is_enough(visit) -> None:
    page = visit("/tasks/clock")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.get_by_label("Zone").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Asia/Tokyo")
    page.keyboard.press("Enter")
    expect(page.locator("#answer .text")).to_contain_text("JST")
    expect(page.get_by_label("Zone")).to_be_focused()
    page.get_by_label("Zone").fill("UTC")
    page.get_by_role("button", name="Ask", exact=True).press("Enter")
    expect(page.locator("#answer .text")).to_contain_text("UTC")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_focused()


def test_the_form_works_before_and_without_its_script(visit, server: Server) -> None:
    page = visit("/status")

    def late(route: Route) -> None:
        time.sleep(3)
        route.continue_()

    page.route(re.compile(r"app\.js"), late)
    page.goto(f"{server.url}/tasks/clock", wait_until="commit")
    page.get_by_label("Zone").fill("Asia/Tokyo")
    ask(page)
    expect(page.locator("#answer .text")).to_contain_text("JST", timeout=15_000)
    plain = visit("/tasks/flowers", java_script_enabled=False)
    ask(plain)
    expect(plain.locator("#answer .bars li")).to_have_count(3)


def test_a_fault_is_told_at_its_field_which_gets_the_focus(visit) -> None:
    page = visit("/tasks/clock")
    page.get_by_label("Zone").fill("Middle/Earth")
    ask(page)
    expect(page.locator("#answer .fault")).to_contain_text("There is no time zone")
    expect(page.locator("#in-zone")).to_be_focused()
    expect(page.locator("#in-zone")).to_have_attribute("aria-invalid", "true")


def test_a_long_wait_becomes_a_ticket_that_ends_with_the_answer(visit, server: Server) -> None:
    page = visit("/tasks/double")
    page.get_by_label("X", exact=True).fill("21")
    page.get_by_label("Pause s").fill("4")
    ask(page)
    expect(page.locator("[data-elapsed]")).to_be_visible()
    expect(page.locator("#answer [data-ticket]")).to_be_visible(timeout=5000)
    expect(page.locator("#answer .answer")).to_contain_text("42", timeout=10_000)


def test_pressing_twice_asks_once(visit, server: Server) -> None:
    page = visit("/tasks/double")
    page.get_by_label("Pause s").fill("1")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Ask", exact=True).dblclick()
    expect(page.locator("#answer .answer")).to_be_visible()
    assert len(posts) == 1


def test_code_follows_the_form(visit) -> None:
    page = visit("/tasks/flowers")
    page.get_by_label("Petal length").fill("6.1")
    expect(page.locator('[data-language="curl"]')).to_contain_text('"petal_length":6.1')
    expect(page.locator('[data-language="python"]')).to_contain_text("petal_length=6.1")
    expect(page.locator('[data-language="javascript"]')).to_contain_text('"petal_length": 6.1')


def test_where_the_browser_gives_no_clipboard_no_button_copies(visit, server: Server) -> None:
    page = visit("/status")  # as over plain http from another machine
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    job_id = server.submit("double", x=1)
    server.finished(job_id)
    for path, ready in (("/tasks/clock", '"zone"'), (f"/jobs/{job_id}", "Result as JSON")):
        page.goto(server.url + path)
        expect(page.locator("main")).to_contain_text(ready)
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)


def test_a_ticket_tells_its_age_in_hours_once_there_are_some(visit, server: Server) -> None:
    job_id = server.submit("double", x=1, pause_s=300)
    page = visit("/status")
    page.clock.install()
    page.goto(f"{server.url}/jobs/{job_id}")
    page.clock.fast_forward("03:00:00")
    expect(page.locator("time[data-since]")).to_have_text("3 h ago")
    server.http.post(f"/api/jobs/{job_id}/cancel")


def test_a_text_is_asked_for_in_the_size_of_every_other_field(visit) -> None:
    page = visit("/tasks/everything")
    sizes = [
        page.get_by_label(name).evaluate("field => getComputedStyle(field).fontSize")
        for name in ("Amount", "Name", "Story")
    ]
    assert len(set(sizes)) == 1, sizes


def test_a_ticket_can_be_cancelled_and_tried_again(visit, server: Server) -> None:
    job_id = server.submit("double", x=1.5, pause_s=60)
    page = visit(f"/jobs/{job_id}")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".ticket")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert server.job(job_id)["state"] == "cancelled"


def test_the_list_of_jobs_is_live(visit, server: Server) -> None:
    page = visit("/jobs?state=failed")
    job_id = server.submit("trouble", what="raise")
    expect(page.locator(f'a[href="/jobs/{job_id}"]')).to_be_visible(timeout=10_000)
    expect(page.locator("table.jobs")).to_contain_text("this model's own code failed")


def test_it_says_so_when_the_server_cannot_be_reached(browser, repository: Path, tmp_path: Path) -> None:
    with serving(tmp_path, repository / "examples" / "clock.py") as server:
        page = browser.new_page()
        page.goto(f"{server.url}/tasks/clock")
        server.stop()
        expect(page.locator("#unreachable")).to_be_visible(timeout=10_000)
        ask(page)
        expect(page.locator("#answer .fault")).to_contain_text("cannot be reached")
        page.set_viewport_size({"width": 390, "height": 400})
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator("#unreachable")).to_be_in_viewport()
        page.close()
