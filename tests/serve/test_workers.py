"""Workers as administrators see them, and have them drain."""

from __future__ import annotations

import re
from typing import Any

from frontdesk.desk.job import Lane
from frontdesk.desk.workers import Introduction, WorkerState
from support.server import until
from support.web import Web


def workers(web: Web) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in web.http.get("/api/workers").json()["items"]}


def state(web: Web) -> str:
    return str(workers(web)["worker-1"]["state"])


def ask(web: Web, verb: str, name: str = "worker-1") -> int:
    return web.http.post(f"/api/workers/{name}/{verb}").status_code


def test_who_works_is_listed_with_what_it_does(web: Web) -> None:
    with web.working():
        until(lambda: "worker-1" in workers(web), 5, "the worker")
        job_id = web.submit("double", x=1, pause_s=2)
        until(lambda: workers(web)["worker-1"]["jobs"], 5, "its job")
        worker = workers(web)["worker-1"]
        (job,) = worker["jobs"]
        assert (job["id"], job["kind"], job["task"]) == (job_id, "predict", "double")
        assert (worker["state"], worker["wish"], worker["tasks"]) == ("working", "work", None)
        assert worker["lanes"] == {"predict": 64, "batch": 2, "train": 1}
        assert re.match(r"\d+\.\d+", worker["frontdesk_version"])
        page = web.http.get("/admin/workers").text
        assert "worker-1" in page
        assert f"/jobs/{job_id}" in page
        web.finished(job_id)
    assert "worker-1" not in workers(web)


def test_one_that_drains_takes_nothing_until_it_is_told_to_go_on(web: Web) -> None:
    with web.working():
        until(lambda: "worker-1" in workers(web), 5, "the worker")
        held = web.submit("double", x=1, pause_s=1.5)
        until(lambda: web.job(held)["state"] == "running", 5, "the job")
        assert ask(web, "drain") == 202
        until(lambda: state(web) == "draining", 5, "the draining")
        waiting = web.submit("double", x=2)
        until(lambda: state(web) == "paused", 10, "the pause")
        assert web.job(held)["state"] == "succeeded"
        assert web.job(waiting)["state"] == "queued"
        assert "Paused" in web.http.get("/admin/workers").text
        assert ask(web, "resume") == 202
        assert web.finished(waiting)["state"] == "succeeded"
        assert state(web) == "working"


def test_one_that_is_told_to_leave_leaves(web: Web) -> None:
    with web.working():
        until(lambda: "worker-1" in workers(web), 5, "the worker")
        response = web.http.post("/admin/workers/worker-1/leave", follow_redirects=False)
        assert (response.status_code, response.headers["location"]) == (303, "/admin/workers")
        until(lambda: "worker-1" not in workers(web), 10, "its end")


def test_where_nobody_works_the_page_says_how_to_change_that(web: Web) -> None:
    job_id = web.submit("double", x=3)
    page = web.http.get("/admin/workers").text
    assert "Nobody works here" in page
    assert "frontdesk worker" in page
    assert "double" in page.split("What waits")[1].lower()
    (queue,) = web.http.get("/api/workers").json()["queues"]
    assert (queue["lane"], queue["task"], queue["waiting"]) == ("predict", "double", 1)
    assert 0 <= queue["waited_s"] < 60
    web.http.post(f"/api/jobs/{job_id}/cancel")


def test_the_lost_cannot_be_told_anything(web: Web) -> None:
    lost = Introduction(name="gone-1", machine="m", frontdesk_version="1", lanes={Lane.TRAIN: 1})
    with web.working():
        web.installation.workers.beat(lost, WorkerState.WORKING)
        until(lambda: workers(web)["gone-1"]["state"] == "lost", 10, "its loss")
        assert {ask(web, verb, "gone-1") for verb in ("drain", "resume", "leave")} == {409}
        page = web.http.post("/admin/workers/gone-1/drain")
        assert page.status_code == 409
        assert "has not been heard of" in page.text
        assert page.text.count("Not heard of for") == 1
        assert 'frontdesk_workers{state="lost"} 1.0' in web.http.get("/metrics").text
        web.installation.workers.depart("gone-1")


def test_other_verbs_and_other_workers_are_not_there(web: Web) -> None:
    assert ask(web, "drain", "nobody") == 404
    with web.working():
        until(lambda: "worker-1" in workers(web), 5, "the worker")
        assert ask(web, "explode") == 404


def test_what_waits_is_measured(web: Web) -> None:
    job_ids = [web.submit("double", x=n) for n in range(3)]
    text = web.http.get("/metrics").text
    assert 'frontdesk_jobs_waiting{lane="predict",task="double"} 3.0' in text
    (wait_s,) = re.findall(r'frontdesk_oldest_wait_seconds\{lane="predict",task="double"\} (\S+)', text)
    assert 0 <= float(wait_s) < 60
    for job_id in job_ids:
        web.http.post(f"/api/jobs/{job_id}/cancel")
