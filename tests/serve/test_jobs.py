"""Jobs over HTTP: looking, waiting, and every move."""

from __future__ import annotations

import time

import pytest

from support.web import Web


def test_a_job_shows_where_it_stands(web: Web) -> None:
    first, second = web.submit("double", x=101), web.submit("double", x=102)
    ahead, behind = web.job(first), web.job(second)
    assert ahead["state"] == behind["state"] == "queued"
    assert behind["position"] == ahead["position"] + 1
    assert set(ahead) >= {
        "id", "kind", "task", "model", "version", "state", "position", "progress", "metrics", "attempts",
        "created_at", "started_at", "finished_at", "error", "outputs", "result",
    }  # fmt: skip
    assert ahead["created_at"].endswith("Z")
    for job_id in (first, second):
        web.http.post(f"/api/jobs/{job_id}/cancel")


def test_waiting_ends_when_the_job_does(web: Web) -> None:
    with web.working():
        job_id = web.submit("double", x=103, pause_s=0.3)
        began = time.monotonic()
        assert web.job(job_id, wait_s=20)["state"] == "succeeded"
        assert time.monotonic() - began < 2


def test_the_moves_of_a_job(web: Web) -> None:
    job_id = web.submit("double", x=104)
    job = f"/api/jobs/{job_id}"
    assert web.http.get(f"{job}/result").status_code == 409
    assert web.http.post(f"{job}/retry").status_code == 409
    assert web.http.delete(job).status_code == 409
    assert web.http.post(f"{job}/cancel").json()["state"] == "cancelled"
    assert web.http.post(f"{job}/cancel").status_code == 409
    assert web.http.post(f"{job}/retry").json()["state"] == "queued"
    with web.working():
        assert web.finished(job_id)["state"] == "succeeded"
    assert web.http.get(f"{job}/result").json() == {"answer": {"value": 208.0}}
    assert web.http.get(f"{job}/input").json() == {"inputs": {"x": 104, "pause_s": 0.0}}
    assert web.http.post(f"{job}/retry").status_code == 409
    assert web.http.post(f"{job}/archive").json()["archived"] is True
    assert web.http.post(f"{job}/unarchive").json()["archived"] is False
    assert web.http.delete(job).status_code == 204
    assert web.http.get(job).status_code == 404


@pytest.mark.parametrize("address", ["", "/input", "/result", "/events"])
def test_there_is_no_job_of_another_id(web: Web, address: str) -> None:
    assert web.http.get(f"/api/jobs/01a1fb6c-1781-7196-be6a-62043766113b{address}").status_code == 404
    assert web.http.get(f"/api/jobs/nonsense{address}").status_code == 404


def test_jobs_are_listed_in_pages_newest_first(web: Web) -> None:
    made = [web.submit("double", x=110 + n) for n in range(3)]
    first = web.http.get("/api/jobs", params={"state": "queued", "task": "double", "limit": 2}).json()
    rest = web.http.get("/api/jobs", params={"state": "queued", "limit": 2, "cursor": first["next"]}).json()
    assert [job["id"] for job in first["items"]] == made[:0:-1]
    assert rest["items"][0]["id"] == made[0]
    for job_id in made:
        web.http.post(f"/api/jobs/{job_id}/cancel")


@pytest.mark.parametrize(
    "query", ["state=nothing", "limit=0", "limit=x", "archived=maybe", "sate=queued", "kind=x"]
)
def test_a_filter_that_is_not_one_is_refused(web: Web, query: str) -> None:
    response = web.http.get(f"/api/jobs?{query}")
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [
        "/" + query.split("=", maxsplit=1)[0]
    ]


def test_a_cursor_that_is_not_one_is_refused(web: Web) -> None:
    assert web.http.get("/api/jobs?cursor=%00nonsense").status_code == 422


def test_archived_jobs_are_listed_apart(web: Web) -> None:
    job_id = web.submit("double", x=120)
    web.http.post(f"/api/jobs/{job_id}/cancel")
    web.http.post(f"/api/jobs/{job_id}/archive")
    ids = {
        archived: {
            job["id"] for job in web.http.get("/api/jobs", params={"archived": archived}).json()["items"]
        }
        for archived in ("true", "false")
    }
    assert job_id in ids["true"]
    assert job_id not in ids["false"]
