"""A worker that sleeps past its leases cannot write when it wakes, and goes on with what is new."""

from __future__ import annotations

import time
from pathlib import Path

from support.remains import is_gone, left, trained_in
from support.server import Server, serving, until
from support.workers import working

TASKS = Path(__file__).parent.parent / "support" / "tasks"
ROWS = 400


def begin(server: Server) -> dict[str, str]:
    """A question, a file and a training, each of which takes some seconds."""
    file = "x,pause_s\n" + f"1,{6 / ROWS}\n" * ROWS
    batch = server.http.post(
        "/api/tasks/double/batch", files={"file": ("long.csv", file.encode())}, data={"format": "csv"}
    )
    train = server.http.post(
        "/api/tasks/learn/train", json={"parameters": {"steps": 80, "pause_s": 0.1, "answer": 4}}
    )
    jobs = {"batch": str(batch.json()["id"]), "train": str(train.json()["id"])}
    until(lambda: server.job(jobs["batch"])["progress"]["done"] > 0, 20, "some rows")
    until(lambda: len(trained_in(server, jobs["train"])) == 1, 20, "the training")
    jobs["predict"] = server.submit("double", x=21, pause_s=3)
    until(lambda: server.job(jobs["predict"])["state"] == "running", 20, "the question")
    return jobs


def test_what_a_worker_does_after_its_sleep_counts_for_nothing(tmp_path: Path) -> None:
    with serving(
        tmp_path, TASKS / "trivial.py", TASKS / "training.py", options=["--workers", "0"],
        FRONTDESK_LEASE_S="4", FRONTDESK_SWEEP_S="0.5",
    ) as server, working(server, "sleeper") as sleeper:  # fmt: skip
        jobs = begin(server)
        sleeper.freeze()
        (training,) = trained_in(server, jobs["train"])
        with working(server, "other") as other:
            until(lambda: set(jobs.values()) <= set(other.holds()), 30, "the jobs in other hands")
            until(lambda: len(trained_in(server, jobs["train"])) == 2, 30, "the second training")
            assert is_gone(training), "two trainings of one job at once"
            assert (sleeper.row() or {})["state"] == "lost"
            ended = {kind: server.finished(job_id, 60) for kind, job_id in jobs.items()}
        assert {kind: job["state"] for kind, job in ended.items()} == dict.fromkeys(jobs, "succeeded")
        before = left(server)
        sleeper.thaw()
        until(lambda: (sleeper.row() or {}).get("state") == "working", 30, "the sleeper")
        time.sleep(2)
        assert left(server) == before
        # It goes on, and what is begun next clears away what it had half made.
        again = server.submit("double", x=4)
        assert server.finished(again)["outputs"]["answer"]["value"] == 8
        batch = server.http.post("/api/tasks/double/batch", files={"file": ("b.csv", b"x,pause_s\n1,0\n")})
        assert server.finished(batch.json()["id"])["state"] == "succeeded"
        until(lambda: not list((tmp_path / "staging").glob("train-*")), 10, "the end of its bench")
        assert not any((tmp_path / "batches").iterdir())
        assert_one_result_each(server, jobs)


def assert_one_result_each(server: Server, jobs: dict[str, str]) -> None:
    assert server.job(jobs["predict"])["outputs"]["answer"]["value"] == 42
    lines = server.http.get(f"/api/jobs/{jobs['batch']}/result").text.splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["2"] * ROWS
    versions = server.http.get("/api/tasks/learn/models/learner/versions").json()["items"]
    assert [(version["job"], version["is_live"]) for version in versions] == [(jobs["train"], True)]
    ends = [row for row in left(server)["events"] if "succeeded" in str(row[3]) and row[1] in jobs.values()]
    assert len(ends) == len(jobs)
