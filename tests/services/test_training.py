"""Trainings as real processes: cancelled, killed, in trouble of every kind, two at a time."""

from __future__ import annotations

import os
import re
import signal
import struct
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "training.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    limits = {
        "FRONTDESK_TRAIN_MEMORY_MB": "400",
        "FRONTDESK_TRAIN_LIMIT_S": "12",
        "FRONTDESK_TRAIN_FOLDER_MB": "50",
    }
    with serving(tmp_path_factory.mktemp("data"), TASKS, **limits) as server:
        yield server


def train(server: Server, model: str = "learner", seed: int | None = None, **parameters: Any) -> str:
    body = {"parameters": parameters, "model": model, "seed": seed}
    response = server.http.post("/api/tasks/learn/train", json=body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def begun(server: Server, job_id: str) -> int:
    """Wait until the author's code runs; give its process."""
    until(lambda: "beginning at" in log(server, job_id), 10, "the training's first line")
    return int(re.findall(r"beginning at \d+ in (\d+)", log(server, job_id))[-1])


def log(server: Server, job_id: str) -> str:
    return server.http.get(f"/api/jobs/{job_id}/log").text


def curves(server: Server, job_id: str) -> dict[str, Any]:
    return dict(server.http.get(f"/api/jobs/{job_id}/metrics").json()["curves"])


def versions(server: Server, model: str = "learner") -> list[dict[str, Any]]:
    return list(server.http.get(f"/api/tasks/learn/models/{model}/versions").json()["items"])


def test_a_training_makes_a_version_that_says_what_made_it(server: Server) -> None:
    job = server.finished(train(server, seed=7, answer=3, steps=4))
    assert job["state"] == "succeeded"
    (version,) = [v for v in versions(server) if v["job"] == job["id"]]
    assert version["number"] == job["version"] == job["outputs"]["version"]
    assert version["parameters"] == {
        "answer": 3,
        "steps": 4,
        "pause_s": 0.02,
        "accuracy": 0.5,
        "trouble": "none",
    }
    assert version["metrics"]["accuracy"] == 0.5
    assert (version["seed"], version["size_bytes"], len(version["code_sha256"])) == (7, 1, 64)
    assert version["libraries"]["msgspec"]
    assert 0 < version["duration_s"] < 10


def test_every_point_is_there_after_it_is_over(server: Server) -> None:
    job = server.finished(train(server, steps=30, pause_s=0.005))
    told = curves(server, job["id"])
    assert (told["x"], told["count"]) == ("step", 30)
    assert {curve["name"]: curve["x"] for curve in told["curves"]} == {
        name: [float(step) for step in range(1, 31)] for name in ("loss", "val_loss")
    }
    lines = server.http.get(f"/api/jobs/{job['id']}/metrics.csv").text.splitlines()
    assert lines[0] == "time,attempt,step,loss,val_loss"
    assert len(lines) == 31


def test_it_learns_from_a_file_that_was_uploaded(server: Server) -> None:
    upload = server.http.post("/api/files", files={"file": ("cats.csv", b"a,b\n1,2\n", "text/csv")}).json()
    response = server.http.post("/api/tasks/learn/train", json={"data": upload["id"]})
    job = server.finished(response.json()["id"])
    assert "learning from cats.csv: a,b" in log(server, job["id"])
    (version,) = [v for v in versions(server) if v["job"] == job["id"]]
    assert (version["data"], version["data_sha256"]) == ("cats.csv", upload["sha256"])


def test_wrong_parameters_are_refused_one_by_one(server: Server) -> None:
    body = {"parameters": {"answer": -1, "steps": "many", "colour": 1}}
    response = server.http.post("/api/tasks/learn/train", json=body)
    assert response.status_code == 422
    assert {e["pointer"] for e in response.json()["errors"]} == {
        "/parameters/answer", "/parameters/steps", "/parameters/colour",
    }  # fmt: skip
    assert server.http.post("/api/tasks/learn/train", json={"model": "nobody"}).status_code == 422
    assert server.http.post("/api/tasks/learn/train", json={"data": "none"}).status_code == 422


@pytest.mark.parametrize(
    ("trouble", "reason", "last"),
    [
        ("raise", "ZeroDivisionError: integer division or modulo by zero", "about to divide"),
        ("exit", "Its process ended itself with code 3.", "beginning at 0"),
        ("kill", "Its process was ended by SIGKILL", "beginning at 0"),
        ("segfault", "Its process was ended by SIGSEGV", "training.py"),
        ("disk", "OSError: [Errno 27] File too large", "beginning at 0"),
        ("leak", "more than the 400 MB allowed", "beginning at 0"),
        ("write", "more than the 50 MB allowed", "beginning at 0"),
        ("hang", "It did not return within 12 s.", "beginning at 0"),
    ],
)
def test_trouble_fails_the_job_with_its_reason_and_its_last_lines(
    server: Server, trouble: str, reason: str, last: str
) -> None:
    before = len(versions(server))
    job = server.finished(train(server, trouble=trouble))
    assert (job["state"], job["attempts"]) == ("failed", 1)
    assert reason in job["error"].splitlines()[0]
    assert last in job["error"]
    assert len(versions(server)) == before
    assert list((server.data / "staging").iterdir()) == []


def test_one_that_prints_100_megabytes_does_no_harm(server: Server) -> None:
    job = server.finished(train(server, trouble="print"))
    assert job["state"] == "succeeded"
    text = log(server, job["id"])
    assert "the last line" in text
    assert "were printed faster than they are kept" in text
    assert len(text) < 2**20
    assert server.predict("learn").status_code == 200


def test_what_a_training_started_does_not_outlive_it(server: Server) -> None:
    job = server.finished(train(server, trouble="child"))
    (child,) = re.findall(r"child (\d+)", log(server, job["id"]))
    until(lambda: not psutil.pid_exists(int(child)), 5, "the end of what it started")


def test_cancel_takes_effect_at_once(server: Server) -> None:
    job_id = train(server, trouble="hang")
    process = begun(server, job_id)
    began = time.monotonic()
    cancelled = server.http.post(f"/api/jobs/{job_id}/cancel").json()
    assert cancelled["state"] == "cancelled"
    until(lambda: not psutil.pid_exists(process), 2, "the end of the training")
    assert time.monotonic() - began < 2
    assert [v for v in versions(server) if v["job"] == job_id] == []


def test_what_was_learned_is_kept_where_the_author_says_so(server: Server) -> None:
    job_id = train(server, model="keeper", answer=9, steps=10_000)
    begun(server, job_id)
    server.http.post(f"/api/jobs/{job_id}/cancel")
    until(
        lambda: [v for v in versions(server, "keeper") if v["job"] == job_id], 3, "the version of what it had"
    )
    (version,) = versions(server, "keeper")
    assert (version["was_cancelled"], version["is_live"]) == (True, False)
    assert server.job(job_id)["state"] == "cancelled"


def test_two_trainings_queue_up_and_share_no_settings(server: Server) -> None:
    jobs = [train(server, answer=answer, steps=5) for answer in (11, 12, 13)]
    assert len(set(jobs)) == 3
    finished = [server.finished(job) for job in jobs]
    for answer, job in zip((11, 12, 13), finished, strict=True):
        (version,) = [v for v in versions(server) if v["job"] == job["id"]]
        assert version["parameters"]["answer"] == answer
        given = server.http.post(
            "/api/tasks/learn/predict", json={"model": "learner", "version": version["number"]}
        )
        assert given.json()["outputs"]["answer"]["value"] == answer
    times = [(job["started_at"], job["finished_at"]) for job in finished]
    assert all(one[1] <= other[0] for one, other in pairwise(times))


def test_the_same_request_twice_is_one_training(server: Server) -> None:
    one, two = train(server, steps=40, answer=5), train(server, steps=40, answer=5)
    assert one == two
    server.http.post(f"/api/jobs/{one}/cancel")


def test_after_its_worker_was_killed_it_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        job_id = train(server, steps=60, pause_s=0.05, answer=4)
        process = begun(server, job_id)
        until(lambda: curves(server, job_id)["count"] >= 15, 10, "some points")
        server.kill("worker")
        until(lambda: not psutil.pid_exists(process), 3, "the end of the training of the dead worker")
        job = server.finished(job_id)
        assert (job["state"], job["attempts"]) == ("succeeded", 2)
        beginnings = re.findall(r"beginning at (\d+)", log(server, job_id))
        assert len(beginnings) == 2
        assert int(beginnings[1]) >= 6
        assert curves(server, job_id)["curves"][0]["x"] == [float(step) for step in range(1, 61)]
        assert len(versions(server)) == 1


def test_whoever_is_killed_no_point_that_was_reported_is_lost(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        for killed in ("training", "job", "worker"):
            job_id = train(server, model="hasty", steps=10_000_000)
            process = begun(server, job_id)
            until(lambda job_id=job_id: curves(server, job_id)["count"] >= 10_000, 10, "some points")
            if killed == "worker":
                server.kill("worker")
                until(lambda process=process: not psutil.pid_exists(process), 3, "the end of its training")
                until(lambda job_id=job_id: server.job(job_id)["attempts"] == 2, 20, "the next attempt")
            elif killed == "training":
                os.kill(process, signal.SIGKILL)
                assert server.finished(job_id)["state"] == "failed"
            if killed != "training":
                cancelled = server.http.post(f"/api/jobs/{job_id}/cancel")
                assert cancelled.status_code == 200, cancelled.text
            until(lambda: list((tmp_path / "staging").iterdir()) == [], 30, "the end of all writing down")
            (reported,) = struct.unpack(
                "@q", next(tmp_path.glob(f"checkpoints/{job_id}-*/reported")).read_bytes()
            )
            lines = server.http.get(f"/api/jobs/{job_id}/metrics.csv").text.splitlines()[1:]
            told = [tuple(int(float(part)) for part in line.split(",")[1:3]) for line in lines]
            twice = _told_twice(told)
            assert len(twice) <= 1  # it died between a report and its own count of it
            assert [step for _, step in told if step <= reported] == sorted([*range(1, reported + 1), *twice])
            assert told == sorted(told)
            assert curves(server, job_id)["count"] == len(told)


def _told_twice(told: list[tuple[int, ...]]) -> list[int]:
    """The steps that two attempts told."""
    return [one[1] for one, other in pairwise(told) if one[1] == other[1]]


def test_a_crash_between_version_and_end_makes_no_second_version(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        job = server.finished(train(server, answer=4))
        server.stop()
        # As if the worker had died just before.
        server.rows("update jobs set state = 'queued', outputs = null, worker = null")
        server.start()
        again = server.finished(job["id"])
        assert (again["state"], again["attempts"], again["version"]) == ("succeeded", 2, 1)
        assert len(versions(server)) == 1


def test_a_server_that_stops_gives_its_training_back(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        job_id = train(server, steps=40, pause_s=0.05)
        begun(server, job_id)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 10
        server.start()
        job = server.finished(job_id)
        assert (job["state"], job["attempts"]) == ("succeeded", 1)
