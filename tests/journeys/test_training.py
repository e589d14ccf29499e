"""Train from the page, watch the curves grow, come back, compare, go live and roll back."""

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
RUN = re.compile(r"/tasks/\w+/runs/[0-9a-f-]{36}$")


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sources = (repository / "examples" / "flowers", TASKS / "training.py")
    with serving(tmp_path_factory.mktemp("training"), *sources) as server:
        until(lambda: server.predict("flowers").status_code == 200, 30, "the first version")
        yield server


def start(page: Page, **settings: object) -> str:
    """Fill in the form and start; give the address of the training."""
    for name, value in settings.items():
        page.locator(f"#in-{name}").fill(str(value))
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(RUN)
    return page.url


def points(page: Page, chart: int = 0) -> int:
    """How many points the first line of a chart has."""
    path = page.locator("figure.chart").nth(chart).locator("path.line0").first
    return len(re.findall("[ML]", path.get_attribute("d") or ""))


def test_an_untrained_model_says_what_to_do_next(visit) -> None:
    page = visit("/tasks/learn/train?model=keeper")
    expect(page.locator(".state.untrained")).to_contain_text("cannot answer before it has learned")
    page.goto(page.url.replace("/train", "/versions"))
    expect(page.get_by_role("link", name="Train the first one")).to_be_visible()
    page.goto(page.url.replace("/versions", "").partition("?")[0])
    page.get_by_role("link", name="Train it first").first.click()
    expect(page.get_by_role("button", name="Start training")).to_be_visible()


def test_curves_grow_while_it_trains_and_are_whole_after_coming_back(visit, server: Server) -> None:
    page = visit("/tasks/learn/train")
    address = start(page, answer=7, steps=80, pause_s=0.05)
    expect(page.locator("figure.chart")).to_have_count(1)
    expect(page.locator(".legend li")).to_contain_text([re.compile("training"), re.compile("validation")])
    before = points(page)
    expect(page.locator("article.run progress")).to_have_attribute("max", "80")
    expect(page.locator("article.run")).to_contain_text(re.compile(r"\d+ of 80, about .+ left"))
    expect(page.locator("[data-log]")).to_contain_text("beginning at 0")
    page.wait_for_timeout(1000)
    assert points(page) > before
    page.close()
    again = visit(address.removeprefix(server.url))
    expect(again.locator('article[data-state="succeeded"]')).to_be_visible(timeout=15_000)
    expect(again.locator("article.run")).to_contain_text("version 1")
    until(lambda: points(again) == 80, 5, "all points, those of before as well")
    again.reload()
    expect(again.locator("figure.chart")).to_have_count(1)
    assert points(again) == 80
    again.locator("figure.chart summary").click()
    expect(again.locator("figure.chart table tr").last).to_contain_text("80")


def test_a_chart_is_saved_as_a_picture_and_as_figures(visit, server: Server) -> None:
    page = visit("/tasks/learn/train")
    start(page, steps=5)
    expect(page.locator('article[data-state="succeeded"]')).to_be_visible(timeout=15_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save Loss as PNG").click()
    with Image.open(io.BytesIO(Path(download.value.path()).read_bytes())) as picture:
        assert picture.width >= 500
        assert len(picture.convert("RGB").getcolors(100_000) or []) > 5
    with page.expect_download() as download:
        page.get_by_role("link", name="All points as CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 6


def test_cancel_and_failure_look_different_and_say_what_to_do(visit) -> None:
    page = visit("/tasks/learn/train")
    start(page, steps=100_000)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator('article[data-state="cancelled"]')).to_contain_text("It was cancelled")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("link", name="Train with other settings").click()
    expect(page.locator("#in-steps")).to_have_value("100000")
    page.locator("#in-trouble").select_option("raise")
    start(page)
    expect(page.locator('article[data-state="failed"] .fault')).to_contain_text("ZeroDivisionError")
    expect(page.locator('article[data-state="failed"] pre')).to_contain_text("about to divide")
    told = visit("/notices").locator(".notices li", has_text="ZeroDivisionError")
    expect(told.first).not_to_contain_text("Traceback")
    page.goto(page.url.partition("/runs")[0] + "/train")
    expect(page.locator(".state.failed")).to_contain_text("The last training failed: ZeroDivisionError")


def test_wrong_settings_are_named_and_nothing_typed_is_lost(visit) -> None:
    page = visit("/tasks/learn/train")
    page.locator("form").evaluate("form => { form.noValidate = true }")
    page.locator("#in-steps").fill("0")
    page.locator("#in-answer").fill("12")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#in-steps-fault")).to_contain_text("at least 1")
    expect(page.locator("#in-answer")).to_have_value("12")


def test_flowers_are_trained_again_compared_made_live_and_rolled_back(visit, server: Server) -> None:
    page = visit("/tasks/flowers/train")
    expect(page.locator(".state.trained")).to_contain_text("Version 1 answers, accuracy")
    start(page, hidden_units=3, epochs=20, seed=4)
    expect(page.locator('article[data-state="succeeded"]')).to_contain_text(
        "waits to be made live", timeout=30_000
    )
    page.get_by_role("link", name="Versions").last.click()
    for number in (1, 2):
        page.get_by_label(f"Compare version {number}").check()
    page.get_by_role("button", name="Compare the chosen ones").click()
    expect(page.locator("tr.differs", has_text="Hidden units")).to_be_visible()
    expect(page.locator("table.confusion")).to_have_count(2)
    expect(page.locator("figure.chart")).to_have_count(2)
    page.get_by_role("link", name="All versions").click()
    page.get_by_role("button", name="Make live").click()
    expect(page.locator("tr.live b")).to_have_text("2")
    assert server.predict("flowers").json()["version"] == 2
    page.get_by_role("button", name="Roll back to this").click()
    expect(page.locator("tr.live b")).to_have_text("1")
    assert server.predict("flowers").json()["version"] == 1
    page.locator("tr:not(.live)").get_by_role("link", name="Ask").click()
    expect(page.locator(".note")).to_contain_text("You ask version 2")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#answer")).to_contain_text("Neural net in Python, version 2")
    page.goto(f"{server.url}/tasks/flowers/versions")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("table.versions tbody tr")).to_have_count(1)


def test_it_learns_from_a_file_of_ones_own(visit, tmp_path: Path) -> None:
    rows = [f"{a},1,{a},1,{'Big' if a > 5 else 'Small'}" for a in [1, 2, 3, 4, 6, 7, 8, 9] * 5]
    own = tmp_path / "own.csv"
    own.write_text("\n".join(["a,b,c,d,species", *rows]))
    page = visit("/tasks/flowers/train")
    page.locator("#in-upload").set_input_files(own)
    start(page, epochs=30)
    expect(page.locator('article[data-state="succeeded"]')).to_contain_text("own.csv", timeout=30_000)
    page.goto(page.url.partition("/runs")[0] + "/train")
    expect(page.locator("#in-data")).to_contain_text("own.csv")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_pages_can_be_read_by_everybody(
    visit, server: Server, axe: str, scheme: str, device: str
) -> None:
    made = server.http.post("/api/tasks/flowers/train", json={"parameters": {"epochs": 5, "seed": 1}})
    job = server.finished(made.json()["id"])
    newest = job["version"]
    for path in (
        "/tasks/flowers/train",
        f"/tasks/flowers/runs/{job['id']}",
        "/tasks/flowers/versions",
        f"/tasks/flowers/versions/compare?n=1&n={newest}",
    ):
        page = visit(path, device, color_scheme=scheme, bypass_csp=True)
        if "/runs/" in path or "compare" in path:
            expect(page.locator("figure.chart").first).to_be_visible()
        check(page, axe)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
