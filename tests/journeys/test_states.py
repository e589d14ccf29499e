"""Every state of a task has a page that says what to do next."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.server import Server, serving, until


def ask(page: Page) -> None:
    page.get_by_role("button", name="Ask", exact=True).click()


def test_a_task_that_is_not_trained_says_what_to_run(visit) -> None:
    page = visit("/tasks/untrained")
    ask(page)
    expect(page.locator("#answer .fault")).to_contain_text("Run: make weights")
    page.reload()
    expect(page.locator(".note")).to_contain_text("Not trained yet")
    expect(page.locator(".note")).to_contain_text("Run: make weights")


def test_a_broken_model_shows_why_and_can_be_tried_again(visit, server: Server) -> None:
    page = visit("/tasks/broken")
    ask(page)
    expect(page.locator("#answer .fault")).to_contain_text("wrong shape", timeout=30_000)
    expect(page.locator(".note")).to_contain_text("Broken", timeout=30_000)
    page.get_by_role("link", name=re.compile("See what it wrote")).click()
    expect(page.locator(".log")).to_contain_text("looking for the weights")
    expect(page.locator(".log")).to_contain_text("RuntimeError: the weights are of the wrong shape")
    (server.data / "mended").touch()
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("link", name="Ask", exact=True).click()
    until(lambda: server.predict("broken").status_code == 200, 20, "the mended model")
    ask(page)
    expect(page.locator("#answer .answer")).to_have_text("1")


def test_the_tasks_show_how_their_models_are(visit) -> None:
    page = visit("/tasks/clock")
    ask(page)
    expect(page.locator("#answer .text")).to_be_visible()
    page.get_by_role("link", name="Models").click()
    expect(page.locator(".model")).to_contain_text("Ready")
    expect(page.locator(".model")).to_contain_text(re.compile(r"Memory\s*\d+ MB"))
    page.get_by_role("link", name="Tasks", exact=True).click()
    expect(page.locator(".task", has_text="What time is it there?")).to_contain_text("Ready")


def test_models_that_answer_side_by_side_agree_or_not(visit) -> None:
    page = visit("/tasks/opinions")
    page.get_by_role("button", name="Ask all").click()
    expect(page.locator(".agreement")).to_have_text("2 of 3 say yes.")
    expect(page.locator(".result h3")).to_have_text(["Optimist", "Pessimist", "Cheerful"])
    cheerful = page.locator(".result").nth(2)
    expect(cheerful.locator("svg.spread")).to_have_count(3)
    expect(cheerful.locator("svg.spread").first).to_have_attribute("aria-label", re.compile("between"))
    cheerful.get_by_text("How the draws lie").click()
    expect(cheerful.locator("svg.histogram").first).to_be_visible()


def test_a_value_shows_its_interval_and_its_samples(visit) -> None:
    page = visit("/tasks/length")
    ask(page)
    expect(page.locator("#answer .answer")).to_have_text("12.3457 cm")
    expect(page.locator("#answer")).to_contain_text("Between 11.4 and 13.3 with a probability of 95 %.")
    assert page.locator("#answer .histogram rect").count() > 5
    expect(page.locator("#answer .line .reach")).to_have_count(1)


def test_a_table_says_that_it_has_no_rows_and_which_cells_hold_nothing(visit) -> None:
    page = visit("/tasks/law")
    ask(page)
    expect(page.locator("#answer")).to_contain_text("It has no rows.")
    page.get_by_label("Rows").fill("1")
    ask(page)
    expect(page.locator("#answer td")).to_have_text(["0", "–"])


def test_a_form_of_every_kind_sends_what_it_holds(visit) -> None:
    page = visit("/tasks/everything")
    page.get_by_label("Amount").fill("0.25")
    page.get_by_label("Loud").check()
    page.get_by_label("Colour").select_option("green")
    page.get_by_label("Story").fill("Once\nupon")
    page.get_by_label("Values").fill("[3, 4.5]")
    page.get_by_label("Attachment").set_input_files(
        {"name": "note.txt", "mimeType": "text/plain", "buffer": b"12345"}
    )
    ask(page)
    expect(page.locator("#answer table")).to_be_visible()
    cells = page.locator("#answer td:nth-child(2)").all_inner_texts()
    assert cells == ["0.25", "3", "True", "green", "Ada", "Once upon", "[3.0, 4.5]", "None", "5"]


def test_an_installation_without_jobs_says_how_to_make_one(browser, repository: Path, tmp_path: Path) -> None:
    with serving(tmp_path, repository / "examples" / "clock.py") as server:
        page = browser.new_page()
        page.goto(f"{server.url}/jobs")
        expect(page.get_by_text("No jobs here.")).to_be_visible()
        page.goto(f"{server.url}/status")
        expect(page.get_by_text("Nothing yet.")).to_be_visible()
        expect(page.locator("tr", has_text="Training")).to_contain_text("0")
        with closing(sqlite3.connect(server.data / "frontdesk.db")) as damaged:
            damaged.execute("ALTER TABLE jobs RENAME TO lost")
        response = page.goto(f"{server.url}/jobs")
        assert response is not None
        assert response.status == 500
        expect(page.locator("main code")).to_have_text(response.headers["x-request-id"])
        page.close()


def test_a_page_recovers_when_the_server_is_back(browser, repository: Path, tmp_path: Path) -> None:
    with serving(tmp_path, repository / "examples" / "clock.py") as server:
        page = browser.new_page()
        page.goto(f"{server.url}/tasks/clock")
        port = server.url.rsplit(":", 1)[1]
        server.stop()
        expect(page.locator("#unreachable")).to_be_visible(timeout=10_000)
        server.options = ("--port", port)
        server.start()
        expect(page.locator("#unreachable")).to_be_hidden(timeout=10_000)
        ask(page)
        expect(page.locator("#answer .text")).to_contain_text("UTC")
        page.close()


@pytest.mark.parametrize("path", ["/tasks/clock", "/jobs", "/"])
def test_a_method_that_makes_no_sense_is_told_those_that_do(server: Server, path: str) -> None:
    response = server.http.delete(path, headers={"Origin": server.url})
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) >= {"GET", "HEAD"}
