"""Ask, say whether it was right, watch, and learn from the true answers: by hand, by keyboard, without a script."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from journeys.test_accessibility import axe, check
from support.server import Server, serving, until

__all__ = ["axe"]

TASKS = Path(__file__).parent.parent / "support" / "tasks"


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sources = (repository / "examples" / "flowers", repository / "examples" / "clock.py", TASKS / "pages.py")
    with serving(tmp_path_factory.mktemp("monitor"), *sources) as server:
        until(lambda: server.predict("flowers").status_code == 200, 30, "the first version")
        yield server


def ask(page: Page) -> None:
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#answer .feedback")).to_be_visible()


def test_an_untouched_task_says_what_to_do(visit) -> None:
    page = visit("/tasks/clock/monitor")
    expect(page.locator(".state")).to_contain_text("Nothing has been asked")
    page.get_by_role("link", name="look at the month").click()
    expect(page.locator('[aria-label="Span"] [aria-current]')).to_have_text("Month")
    page.get_by_role("link", name="Ask something").click()
    expect(page.locator('.tabs [aria-current="page"]')).to_have_text("Ask")


def test_an_answer_is_called_right_and_then_corrected_by_keyboard(visit, server: Server) -> None:
    page = visit("/tasks/flowers")
    ask(page)
    page.get_by_role("button", name="Yes").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".feedback [role=status]")).to_contain_text("you said that this was right")
    expect(page.locator(".feedback [role=status]")).to_be_focused()
    page.locator(".feedback summary", has_text="Change that").press("Enter")
    page.locator(".feedback summary", has_text="No").press("Enter")
    page.get_by_label("The right answer").select_option("Virginica")
    page.get_by_role("button", name="Send").press("Enter")
    expect(page.locator(".feedback [role=status]")).to_contain_text("it should have been Virginica")
    assert page.url.endswith("/tasks/flowers")


def test_on_a_phone_the_open_tab_is_in_sight(visit) -> None:
    page = visit("/tasks/flowers/monitor", "phone")
    expect(page.locator('.tabs [aria-current="page"]')).to_have_text("Monitor")
    expect(page.locator('.tabs [aria-current="page"]')).to_be_in_viewport(ratio=1)


def test_without_a_script_it_is_a_form_that_leads_to_a_page(visit, server: Server) -> None:
    page = visit("/tasks/flowers", java_script_enabled=False)
    ask(page)
    page.locator(".feedback summary", has_text="No").click()
    page.get_by_label("The right answer").select_option("Setosa")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("h1")).to_have_text("Was this right?")
    expect(page.locator(".feedback [role=status]")).to_contain_text("it should have been Setosa")
    page.goto(f"{server.url}/tasks/flowers/monitor?span=hour")
    expect(page.locator("[data-graph] table").first).to_contain_text("Version 1")


def test_a_number_is_typed_and_a_wrong_one_is_named(visit) -> None:
    page = visit("/tasks/length")
    ask(page)
    page.locator(".feedback summary", has_text="No").click()
    page.get_by_label("The right answer").fill("long")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".feedback [role=alert]")).to_contain_text("Must be a number")
    page.get_by_label("The right answer").fill("12.5")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".feedback [role=status]")).to_contain_text("12.5")


def test_what_cannot_be_sent_is_not_lost_in_silence(visit) -> None:
    page = visit("/tasks/flowers")
    ask(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".feedback [role=alert]")).to_contain_text("not kept yet")
    page.context.set_offline(False)
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".feedback [role=status]")).to_contain_text("right")


def test_all_models_can_be_judged_side_by_side(visit) -> None:
    page = visit("/tasks/opinions")
    page.get_by_role("button", name="Ask all").click()
    expect(page.locator("#answer .feedback")).to_have_count(3)
    page.locator("#answer .feedback").nth(1).get_by_role("button", name="Yes").click()
    expect(page.locator("#answer .feedback [role=status]")).to_have_count(1)


def test_the_charts_say_what_happened_and_can_be_saved(visit, server: Server) -> None:
    for number in range(45):
        server.predict("flowers", petal_length=7 + number / 20)
    until(lambda: server.http.get("/api/tasks/flowers/monitor").json()["answers"] > 40, 5, "the counts")
    page = visit("/tasks/flowers/monitor?span=hour")
    expect(page.locator("figure.chart")).to_have_count(4)
    expect(page.locator("figure.chart rect").first).to_be_visible()
    expect(page.locator("figure.chart", has_text="half within").locator("figcaption")).to_contain_text(
        "answer, ms"
    )
    expect(page.locator(".drift tr", has_text="Petal length")).to_contain_text("Shifted")
    expect(page.locator(".drift")).to_contain_text("150 examples it learned from")
    expect(page.locator(".summary")).to_contain_text("answers somebody spoke about")
    page.locator("figure.chart summary").first.click()
    expect(page.locator("figure.chart table").first).to_contain_text("Version 1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save Predictions as PNG").click()
    with Image.open(io.BytesIO(Path(download.value.path()).read_bytes())) as picture:
        assert len(picture.convert("RGB").getcolors(100_000) or []) > 5
    with page.expect_download() as download:
        page.get_by_role("button", name="Save Predictions as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "time,Version 1"
    assert len(lines) == 61
    page.get_by_role("link", name="Week").click()
    expect(page.locator("figure.chart")).to_have_count(4)


def test_the_true_answers_are_chosen_on_the_train_tab(visit) -> None:
    page = visit("/tasks/flowers/monitor")
    page.get_by_role("button", name="Train with the true answers").click()
    expect(page.locator("#in-data option:checked")).to_contain_text("flowers-collected")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_pages_can_be_read_by_everybody(visit, axe: str, scheme: str, device: str) -> None:
    for path in ("/tasks/flowers/monitor?span=hour", "/tasks/clock/monitor"):
        page = visit(path, device, color_scheme=scheme, bypass_csp=True)
        check(page, axe)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page = visit("/tasks/flowers", device, color_scheme=scheme, bypass_csp=True)
    ask(page)
    page.locator(".feedback summary", has_text="No").click()
    check(page, axe)
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".feedback [role=status]")).to_be_visible()
    check(page, axe)


def test_an_administrator_deletes_what_was_kept(visit) -> None:
    page = visit("/tasks/flowers/monitor")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete them all").click()
    expect(page.locator(".collected")).to_contain_text(re.compile(r"\b0 questions are kept"))
