"""Batch files over HTTP: what is refused before there is a job, and what comes back."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest

from support.web import Web

FILE = "id,X,Pause s\n007,1,0\n008,2.5,0\n"


def post(
    web: Web, content: str | bytes, task: str = "double", name: str = "in.csv", **form: str
) -> httpx.Response:
    data = content.encode() if isinstance(content, str) else content
    return web.http.post(f"/api/tasks/{task}/batch", files={"file": (name, data)}, data=form)


def faults(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 422, response.text
    return {error["pointer"]: error["detail"] for error in response.json()["errors"]}


def jobs(web: Web) -> int:
    return len(web.http.get("/api/jobs?kind=batch&limit=200").json()["items"])


def test_a_file_comes_back_with_its_answers(web: Web) -> None:
    with web.working():
        response = post(web, FILE, format="csv")
        assert response.status_code == 202, response.text
        job = response.json()
        assert response.headers["location"] == f"/api/jobs/{job['id']}"
        assert (job["kind"], job["title"]) == ("batch", "in.csv")
        done: dict[str, Any] = web.http.get(f"/api/jobs/{job['id']}?wait=20").json()
    assert done["state"] == "succeeded", done
    assert (done["outputs"]["rows"], done["outputs"]["failed_rows"]) == (2, 0)
    result = web.http.get(f"/api/jobs/{job['id']}/result")
    assert "in-predictions.csv" in result.headers["content-disposition"]
    assert list(csv.reader(io.StringIO(result.text))) == [
        ["id", "X", "Pause s", "prediction", "error"], ["007", "1", "0", "2", ""], ["008", "2.5", "0", "5", ""],
    ]  # fmt: skip
    assert web.http.get(f"/api/jobs/{job['id']}/input").text == FILE


def test_columns_that_are_wrong_are_named_and_nothing_is_kept(web: Web) -> None:
    before = jobs(web)
    repeated = faults(post(web, "y,y,x,pause_s\n1,2,3,0\n"))
    assert repeated == {"/columns/y": "There are several columns called 'y'."}
    found = faults(post(web, "note\n1\n"))
    assert "/columns/x" in found
    assert "note" in found["/columns"]
    mistyped = faults(post(web, "x,pause_s\none,0\ntwo,0\n"))
    assert "row 1: 'one'; row 2: 'two'" in mistyped["/columns/x"]
    assert jobs(web) == before


@pytest.mark.parametrize(
    ("content", "pointer"),
    [("", "/file"), ("x,pause_s\n", "/file"), (b"PK\x03\x04", "/file"), (b"\x00\x01\x02", "/file")],
)
def test_what_is_no_table_is_refused(web: Web, content: str | bytes, pointer: str) -> None:
    assert pointer in faults(post(web, content))


def test_orders_that_make_no_sense_are_refused(web: Web) -> None:
    assert "/format" in faults(post(web, "x\n1\n", format="docx"))
    assert "/model" in faults(post(web, "x\n1\n", model="nobody"))
    assert "/file" in faults(web.http.post("/api/tasks/double/batch", files={"format": (None, "csv")}))
    assert post(web, "content\nabc\n", task="measure").status_code == 409
    assert post(web, "x\n1\n", task="nothing").status_code == 404
    assert web.http.get("/api/tasks/double/batch").status_code == 405


def test_the_same_file_asked_again_is_the_same_ticket(web: Web) -> None:
    first, second = (post(web, "x,pause_s\n11,0\n").json()["id"] for _ in range(2))
    assert first == second
    web.http.post(f"/api/jobs/{first}/cancel")


def test_a_template_can_be_filled_in(web: Web) -> None:
    text = web.http.get("/api/tasks/double/template?format=csv").text
    header, example = list(csv.reader(io.StringIO(text)))
    assert "x" in header
    with web.working():
        job = post(web, text, format="csv").json()
        assert web.http.get(f"/api/jobs/{job['id']}?wait=20").json()["outputs"]["failed_rows"] == 0
    assert web.http.get("/api/tasks/double/template").content.startswith(b"PK")
    assert web.http.get("/api/tasks/double/template?format=pdf").status_code == 422
    assert len(example) == len(header)
