"""Files in and files out, in a real browser."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.server import Server

HEADER = "id,Sepal length (cm),sepal_width,petal_length,petal_width\n"
FLOWERS = HEADER + "007,5.1,3.5,1.4,0.2\n008,6.3,3.3,6.0,2.5\n009,?,3,4,1\n"


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    path = tmp_path / "flowers.csv"
    path.write_text(FLOWERS)
    return path


def start(page: Page, path: Path, kind: str = "CSV") -> None:
    page.get_by_label("File").set_input_files(path)
    page.get_by_label("Result as").select_option(kind)
    page.get_by_role("button", name="Start").click()


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_file_goes_in_is_watched_and_comes_out(visit, device: str, flowers: Path, tmp_path: Path) -> None:
    page = visit("/tasks/flowers", device)
    page.get_by_role("link", name="Batch").click()
    start(page, flowers)
    expect(page.get_by_role("link", name="Download the result")).to_be_visible(timeout=20_000)
    expect(page.locator(".ticket")).to_contain_text("3 rows. 1 of them has no answer")
    expect(page.locator(".bars")).to_contain_text("Setosa")
    expect(page.get_by_role("cell", name="007")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the result").click()
    assert download.value.suggested_filename == "flowers-predictions.csv"
    download.value.save_as(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["prediction"]) for row in rows] == [
        ("007", "Setosa"),
        ("008", "Virginica"),
        ("009", ""),
    ]
    assert "Must be a number" in rows[2]["error"]


def test_a_file_that_does_not_fit_is_told_column_by_column(visit, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text("sepal_length,sepal_width,petal_lenght\nlong,3,1\n")
    page = visit("/tasks/flowers/batch")
    start(page, path)
    told = page.locator(".fault-list li")
    expect(told).to_have_count(3)
    expect(told.nth(0)).to_contain_text("petal_length: This column is missing")
    expect(told.nth(2)).to_contain_text("petal_lenght")
    expect(page.locator(".fault-list")).to_be_focused()
    expect(page).to_have_url(re.compile("/tasks/flowers/batch$"))


def test_it_works_without_its_script(visit, flowers: Path) -> None:
    page = visit("/tasks/flowers/batch", java_script_enabled=False)
    start(page, flowers, "Excel")
    expect(page.locator(".ticket .title")).to_have_text("flowers.csv")


def test_a_task_of_pictures_says_why_it_takes_no_files(visit) -> None:
    page = visit("/tasks/look/batch")
    expect(page.get_by_text("cannot stand in the cells of a table")).to_be_visible()


def test_a_template_can_be_had(visit) -> None:
    page = visit("/tasks/flowers/batch")
    with page.expect_download() as download:
        page.get_by_role("link", name="Template for Excel").click()
    assert download.value.suggested_filename == "flowers-template.xlsx"


def test_many_jobs_are_archived_at_once_and_those_that_cannot_be_say_why(visit, server: Server) -> None:
    done = [server.submit("double", x=number) for number in (21, 22)]
    for job_id in done:
        server.finished(job_id)
    waiting, another = (server.submit("double", x=number, pause_s=60) for number in (23, 24))
    page = visit("/jobs?task=double")
    for job_id in (*done, waiting, another):
        page.locator(f'[name="job-{job_id}"]').check()
    page.get_by_label("With the jobs that are ticked").get_by_role("button", name="Archive").click()
    expect(page.locator(".note p")).to_have_text(re.compile("only one that is over can be archived"))
    expect(page.locator(f'a[href="/jobs/{waiting}"]')).to_be_visible()
    for job_id in done:
        assert server.job(job_id)["archived"]
        expect(page.locator(f'a[href="/jobs/{job_id}"]')).to_have_count(0)
    page.get_by_label("Archived").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator(f'a[href="/jobs/{done[0]}"]')).to_be_visible()
    for job_id in (waiting, another):
        server.http.post(f"/api/jobs/{job_id}/cancel")


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_file_of_one_row_and_a_long_name_fits_everywhere(visit, server: Server, device: str) -> None:
    name = "measured_in_the_garden_" * 8 + ".csv"
    file = (name, HEADER + "007,5.1,3.5,1.4,0.2\n", "text/csv")
    job_id = server.http.post("/api/tasks/flowers/batch", files={"file": file}).json()["id"]
    server.finished(job_id)
    page = visit(f"/jobs/{job_id}", device)
    expect(page.locator(".ticket")).to_contain_text("1 row. It has an answer.")
    assert page.locator(".ticket").evaluate("ticket => ticket.scrollWidth <= ticket.clientWidth")
    page.goto(f"{server.url}/jobs")
    expect(page.locator(f'a[href="/jobs/{job_id}"]')).to_have_text(name)
    assert page.locator(".card:has(.jobs)").evaluate("card => card.scrollWidth <= card.clientWidth + 1")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_list_shows_one_kind_of_jobs(visit, server: Server) -> None:
    server.submit("double", x=31)
    page = visit("/jobs")
    page.get_by_label("Kind").select_option("File")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("table.jobs")).not_to_contain_text("Double")
