"""The list of jobs: searched, ordered, of others for administrators; and jobs run again by another model."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontdesk.access.rules import Action
from support.people import Guarded

TASKS = Path(__file__).parent.parent / "support" / "tasks"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    guarded = Guarded(tmp_path_factory.mktemp("panel"), TASKS / "pair.py")
    with guarded.working():
        yield guarded
    guarded.close()


@pytest.fixture(scope="module")
def ann(guarded: Guarded) -> Iterator[httpx.Client]:
    with guarded.program("ann") as client:
        yield client


def send(client: httpx.Client, name: str = "in.csv", **form: str) -> dict[str, Any]:
    files = {"file": (name, b"x\n1\n2\n")}
    answer = client.post("/api/tasks/pair/batch", files=files, data={"format": "csv", **form})
    assert answer.status_code == 202, answer.text
    return over(client, answer.json()["id"])


def over(client: httpx.Client, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = client.get(f"/api/jobs/{job_id}?wait=2").json()
    while job["state"] in ("queued", "running"):
        job = client.get(f"/api/jobs/{job_id}?wait=2").json()
    return job


def test_a_file_is_run_again_by_another_model(guarded: Guarded, ann: httpx.Client) -> None:
    first = send(ann, "again.csv", model="one")
    answer = ann.post(f"/api/jobs/{first['id']}/again", json={"model": "two"})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/jobs/{answer.json()['id']}"
    second = over(ann, answer.json()["id"])
    assert (second["model"], second["title"], second["state"]) == ("two", "again.csv", "succeeded")
    assert ann.get(f"/api/jobs/{first['id']}/result").text.split() == [
        "x,prediction,error",
        "1,1,",
        "2,2,",
    ]
    assert ann.get(f"/api/jobs/{second['id']}/result").text.split() == [
        "x,prediction,error",
        "1,2,",
        "2,4,",
    ]
    # Both hold the one file: removing one job leaves the other its input.
    assert ann.delete(f"/api/jobs/{first['id']}").status_code == 204
    assert ann.get(f"/api/jobs/{second['id']}/input").text == "x\n1\n2\n"


def test_a_question_is_run_again(ann: httpx.Client) -> None:
    asked = ann.post(
        "/api/tasks/pair/predict",
        json={"inputs": {"x": 3}, "model": "one"},
        headers={"Prefer": "respond-async"},
    ).json()
    assert over(ann, asked["id"])["outputs"]["answer"] == {"value": 3.0}
    again = ann.post(f"/api/jobs/{asked['id']}/again", json={"model": "two", "version": 1}).json()
    assert over(ann, again["id"])["outputs"]["answer"] == {"value": 6.0}


def test_a_key_gives_the_same_job(ann: httpx.Client) -> None:
    first = send(ann, "keyed.csv")
    headers = {"Idempotency-Key": "once more"}
    one, two = (ann.post(f"/api/jobs/{first['id']}/again", headers={**headers}).status_code for _ in range(2))
    assert (one, two) == (400, 400)  # a blank is no part of a key
    headers = {"Idempotency-Key": "once-more"}
    one, two = (ann.post(f"/api/jobs/{first['id']}/again", headers=headers).json()["id"] for _ in range(2))
    assert one == two
    other = ann.post(f"/api/jobs/{first['id']}/again", headers=headers, json={"model": "two"})
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"model": "three"}, 422, "/model"),
        ({"version": 7}, 422, "/version"),
        ({"version": -1}, 422, "/version"),
        ({"task": "other"}, 422, ""),
        ({"version": "two"}, 422, ""),
    ],
)
def test_nothing_is_run_by_what_there_is_not(
    ann: httpx.Client, body: dict[str, Any], status: int, pointer: str
) -> None:
    first = send(ann, "wrong.csv")
    answer = ann.post(f"/api/jobs/{first['id']}/again", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_only_who_may_ask_runs_again_and_only_what_is_theirs(guarded: Guarded, ann: httpx.Client) -> None:
    first = send(ann, "mine.csv")
    with guarded.program("bob") as bob, guarded.program(None) as nobody:
        assert bob.post(f"/api/jobs/{first['id']}/again").status_code == 404
        assert nobody.post(f"/api/jobs/{first['id']}/again").status_code == 401
    with guarded.program("ann", Action.ASK) as narrow:
        assert narrow.post(f"/api/jobs/{first['id']}/again").status_code == 403
    with guarded.program("ada") as ada:  # in the name of whom it belongs to
        again = ada.post(f"/api/jobs/{first['id']}/again", json={"model": "two"}).json()
    assert ann.get(f"/api/jobs/{again['id']}").status_code == 200


def test_lists_are_searched_and_ordered(ann: httpx.Client) -> None:
    send(ann, "Zebra.csv")
    send(ann, "zebra two.csv")
    found = ann.get("/api/jobs", params={"search": "ZEBRA", "sort": "name"}).json()["items"]
    assert [job["title"] for job in found] == ["zebra two.csv", "Zebra.csv"]
    newest = ann.get("/api/jobs", params={"search": "zebra", "limit": 1}).json()
    older = ann.get("/api/jobs", params={"search": "zebra", "limit": 1, "cursor": newest["next"]}).json()
    assert [newest["items"][0]["title"], older["items"][0]["title"]] == ["zebra two.csv", "Zebra.csv"]
    assert ann.get("/api/jobs", params={"sort": "colour"}).json()["errors"][0]["pointer"] == "/sort"
    assert ann.get("/api/jobs", params={"search": "x" * 101}).json()["errors"][0]["pointer"] == "/search"


def test_administrators_see_whose_a_job_is(guarded: Guarded, ann: httpx.Client) -> None:
    job = send(ann, "whose.csv")
    assert job["owner"] == guarded.users["ann"].id
    with guarded.program("ada") as ada:
        listed = ada.get("/api/jobs", params={"owner": "Ann@example.org", "search": "whose"}).json()["items"]
        assert [found["id"] for found in listed] == [job["id"]]
        assert ada.get("/api/jobs", params={"owner": "nobody@example.org"}).status_code == 404
    assert ann.get("/api/jobs", params={"owner": "bob@example.org"}).status_code == 403
    with guarded.browser() as browser:
        browser.sign_in("ada")
        assert "ann@example.org" in browser.get("/jobs?owner=*").text
        assert "There is no user" in browser.get("/jobs?owner=nobody@example.org").text
    with guarded.browser() as browser:
        browser.sign_in("bob")
        assert "whose.csv" not in browser.get("/jobs").text
        assert browser.get("/jobs?owner=*").status_code == 403


def test_the_page_runs_again_one_job_or_many(guarded: Guarded, ann: httpx.Client) -> None:
    jobs = [send(ann, name) for name in ("many one.csv", "many two.csv")]
    with guarded.browser() as browser:
        browser.sign_in("ann")
        ticket = f"/jobs/{jobs[0]['id']}"
        assert "Run again with" in browser.get(ticket).text
        answer = browser.press(ticket, f"{ticket}/again", by="two")
        assert answer.status_code == 303
        assert over(ann, answer.headers["location"].rpartition("/")[2])["model"] == "two"
        ticked = {f"job-{job['id']}": "on" for job in jobs}
        answer = browser.press("/jobs", "/jobs", verb="again", model="two", back="search=many", **ticked)
        assert answer.headers["location"] == "/jobs?search=many"
        again = ann.get("/api/jobs", params={"search": "many", "limit": 50}).json()["items"]
        assert sorted(job["model"] for job in again) == ["one", "one", "two", "two", "two"]
        page = browser.get("/jobs?search=many&sort=name").text
        assert "many one.csv" in page
        assert "6 Bytes" in page
        assert "No job matches" in browser.get("/jobs?search=unheard-of").text


def test_an_administrator_gives_somebody_limits_of_their_own(guarded: Guarded, ann: httpx.Client) -> None:
    user = guarded.users["ann"].id
    with guarded.browser() as browser, guarded.program("ada") as ada:
        browser.sign_in("ada")
        limits = {"jobs_waiting_limit": "3", "stored_bytes_limit": "", "requests_limit": "0"}
        assert browser.press("/admin", f"/admin/users/{user}/limits", **limits).status_code == 303
        found = ada.get(f"/api/users/{user}").json()
        assert (found["jobs_waiting_limit"], found["stored_bytes_limit"], found["requests_limit"]) == (
            3,
            None,
            0,
        )
        assert "some of their own" in browser.get("/admin").text
        refused = browser.press("/admin", f"/admin/users/{user}/limits", **limits | {"requests_limit": "-1"})
        assert refused.status_code == 422
        assert "whole number" in refused.text
    with guarded.browser() as browser:
        browser.sign_in("bob")
        assert browser.press("/account", f"/admin/users/{user}/limits", **limits).status_code == 403


def test_results_and_inputs_of_many_come_as_one_zip(guarded: Guarded, ann: httpx.Client) -> None:
    jobs = [send(ann, name) for name in ("zip.csv", "zip.csv")]
    with guarded.program("bob") as bob:
        theirs = send(bob, "theirs.csv")
    with guarded.browser() as browser:
        browser.sign_in("ann")
        ticked = {f"job-{job['id']}": "on" for job in jobs}
        for verb, content in (("results", b"x,prediction,error\n1,1,"), ("inputs", b"x\n1\n2\n")):
            answer = browser.press("/jobs", "/jobs", verb=verb, **ticked)
            assert answer.headers["content-type"] == "application/zip"
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert [name[:6] for name in archive.namelist()] == ["01 zip", "02 zip"]
                assert archive.read(archive.namelist()[1]).startswith(content)
        assert (
            browser.press("/jobs", "/jobs", verb="results", **{f"job-{theirs['id']}": "on"}).status_code
            == 404
        )
