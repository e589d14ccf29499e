"""For those who keep the server running: health, figures, logs, hosts."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from frontdesk.desk import counting, looking
from frontdesk.desk.job import JobState, Lane
from frontdesk.serve.logs import AccessLog, AccessRecord, JsonLines, request_id
from frontdesk.serve.metrics import Metrics
from support.web import Web


def figures(web: Web) -> dict[tuple[str, tuple[str, ...]], float]:
    text = web.http.get("/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_it_says_that_it_lives_and_is_ready(web: Web) -> None:
    assert web.http.get("/livez").text == "ok\n"
    assert web.http.get("/readyz").json() == {"ready": True, "database": "ok", "hosts": "ok"}


def test_whether_it_is_ready_is_told_without_counting_jobs(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long line takes a while to count, and is no reason to be asked no more."""
    asked: list[str] = []
    monkeypatch.setattr(looking, "counts", lambda *_: asked.append("counts") or {})
    monkeypatch.setattr(counting, "counts", lambda *_: asked.append("counts") or {})
    assert web.http.get("/readyz").json()["ready"] is True
    assert asked == []


def test_it_counts_requests_by_route_and_status(web: Web) -> None:
    key = ("frontdesk_http_request_seconds_count", ("/api/tasks/{task}/predict", "200", "POST"))
    before = figures(web).get(key, 0.0)
    web.predict("double", x=1)
    web.predict("double", x=1)
    after = figures(web)
    assert after[key] - before == 2
    answers = (
        "frontdesk_model_seconds_count",
        tuple(sorted(("double", web.predict("double", x=1).json()["model"]))),
    )
    assert after[answers] >= 2


def test_it_shows_jobs_and_hosts(web: Web) -> None:
    web.predict("double", x=1)
    names = {name for name, _ in figures(web)}
    assert {"frontdesk_jobs", "frontdesk_host_state", "frontdesk_host_memory_bytes"} <= names


def test_a_lane_and_state_without_a_job_is_told_as_well(web: Web) -> None:
    told = {labels for name, labels in figures(web) if name == "frontdesk_jobs"}
    assert told == {tuple(sorted((lane.value, state.value))) for lane in Lane for state in JobState}


def test_several_web_processes_look_like_one(tmp_path: Path) -> None:
    first, second = Metrics(tmp_path, "web-1"), Metrics(tmp_path, "web-2")
    first.request("GET", "/", 200, 0.002)
    second.request("GET", "/", 200, 0.2)
    second.failed("t", "m", ValueError())
    snapshot = second.snapshot()
    assert snapshot is not None
    assert second.snapshot() is None
    second.keep(snapshot)
    counts = first.of_all_processes()
    assert sum(counts.requests["GET", "/", "200"].counts) == 2
    assert counts.failures == {("t", "m", "ValueError"): 1}


def test_counts_do_not_fall_when_a_process_is_started_again(tmp_path: Path) -> None:
    first = Metrics(tmp_path, "web-1")
    first.request("GET", "/", 200, 0.002)
    snapshot = first.snapshot()
    assert snapshot is not None
    first.keep(snapshot)
    again = Metrics(tmp_path, "web-1")
    again.request("GET", "/", 200, 0.002)
    assert sum(again.of_all_processes().requests["GET", "/", "200"].counts) == 2


def test_a_note_that_is_no_note_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "web-2.counts").write_bytes(b"\xc1nonsense")
    assert Metrics(tmp_path, "web-1").of_all_processes().requests == {}


def test_hosts_can_be_looked_at_and_started_again(web: Web) -> None:
    web.predict("double", x=1)
    model = web.app.state.services.tasks["double"].models[0].name
    host = next(host for host in web.http.get("/api/hosts").json()["items"] if host["task"] == "double")
    assert host["state"] == "ready"
    assert web.http.get(f"/api/tasks/double/models/{model}/log").status_code == 200
    assert web.http.post(f"/api/tasks/double/models/{model}/restart").status_code == 204
    assert web.http.post("/api/tasks/double/models/nobody/restart").status_code == 404
    assert web.predict("double", x=2).status_code == 200


def test_access_lines_are_json_with_the_request_id() -> None:
    reading, writing = os.pipe()

    async def request() -> None:
        log = AccessLog(writing)
        log.start()
        log.append(AccessRecord(1.5, "GET", "/x", 200, 0.0125, "id-1", ("127.0.0.1", 1)))
        log.append(AccessRecord(1.5, "GET", "/y", 404, 0.0125, "id-2", None))
        log.stop()

    asyncio.run(request())
    os.close(writing)
    with os.fdopen(reading) as lines:
        first, second = map(json.loads, lines)
    assert first == {
        "time": "1970-01-01T00:00:01.500000Z", "level": "info", "event": "request", "method": "GET", "path": "/x",
        "status": 200, "milliseconds": 12.5, "request_id": "id-1", "client": "127.0.0.1",
    }  # fmt: skip
    assert second["status"] == 404


def test_other_log_lines_are_json_with_the_request_id_too() -> None:
    token = request_id.set("id-3")
    try:
        raise ValueError("a\nb")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "it %s", ("broke",), sys.exc_info())
        line = json.loads(JsonLines().format(record))
    finally:
        request_id.reset(token)
    assert (line["event"], line["level"], line["request_id"]) == ("it broke", "error", "id-3")
    assert "ValueError" in line["traceback"]


def test_a_log_line_is_written_even_of_what_cannot_be_spelt() -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "no table: %s", ("\udcff.csv",), None)
    assert json.loads(JsonLines().format(record))["event"] == "no table: ?.csv"
