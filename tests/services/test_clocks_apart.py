"""Workers whose clocks are ten minutes early and late, on one PostgreSQL: nobody takes a job from who has it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.server import Server, serving, until
from support.servers.postgres import Postgres
from support.workers import working

TASKS = Path(__file__).parent.parent / "support" / "tasks"
LEASE_S = 5.0  # a busy machine may hold up a heartbeat for a second or two


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Postgres(durable=False) as postgres:
        environment = {
            "FRONTDESK_DATABASE": postgres.new_database(),
            "FRONTDESK_LEASE_S": str(LEASE_S),
            "FRONTDESK_SWEEP_S": "0.5",
        }
        with serving(
            tmp_path_factory.mktemp("data"), TASKS / "pausing.py",
            options=["--workers", "0"], **environment,
        ) as server:  # fmt: skip
            yield server


def begin(server: Server) -> list[str]:
    """Questions, a file and a training, some of which take longer than a lease."""
    content = "x,pause_s\n" + f"1,{1.5 * LEASE_S / 300}\n" * 300
    batch = server.http.post("/api/tasks/double/batch", files={"file": ("a.csv", content.encode())})
    train = server.http.post(
        "/api/tasks/count/train", json={"parameters": {"steps": 50, "pause_s": 1.5 * LEASE_S / 50}}
    )
    short = [server.submit("double", x=n, pause_s=0.02) for n in range(20)]
    return [
        *short,
        server.submit("double", x=50, pause_s=1.5 * LEASE_S),
        *(str(sent.json()["id"]) for sent in (batch, train)),
    ]


def moment(job: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(job[name])


def clocks_differ(server: Server) -> timedelta:
    """By how much, as the workers' hosts say when they start."""
    log = (server.data / "logs" / "double.doubling.log").read_text()
    started = [
        datetime.fromisoformat(text)
        for text in re.findall(r"^\[frontdesk ([^\]]+)\] starting", log, re.MULTILINE)
    ]
    return max(started) - min(started)


def test_clocks_ten_minutes_apart_do_no_harm(server: Server) -> None:
    began = datetime.now(UTC)
    with working(server, "early", clock="-10m") as early, working(server, "late", clock="+10m") as late:
        states: set[str] = set()

        def is_over() -> bool:
            states.update((worker.row() or {"state": "gone"})["state"] for worker in (early, late))
            return all(server.job(job_id)["state"] not in ("queued", "running") for job_id in job_ids)

        job_ids = begin(server)
        until(is_over, 120, "all jobs", every_s=0.3)
        jobs = [server.job(job_id) for job_id in job_ids]
        assert [job for job in jobs if (job["state"], job["attempts"]) != ("succeeded", 1)] == []
        assert states == {"working"}
        assert clocks_differ(server) > timedelta(minutes=19)

        def counted() -> list[datetime]:
            kept = server.rows("select at from monitor_periods where task = 'double'")
            return [datetime.fromtimestamp(microseconds / 1e6, UTC) for (microseconds,) in kept]

        until(counted, 20, "what the workers counted")
        # In the minute it was, whatever the clock of who counted it says.
        assert [at for at in counted() if abs(at - began) > timedelta(minutes=3)] == []
        ended = datetime.now(UTC)
        slack = timedelta(seconds=1)
        for job in jobs:
            assert began - slack <= moment(job, "created_at") <= moment(job, "started_at") + slack
            assert moment(job, "started_at") <= moment(job, "finished_at") <= ended + slack
        # Whichever of them dies, the other has its job as soon as its lease is over, and no sooner.
        for victim, heir in ((early, late), (late, early)):
            heir_or_nobody = server.submit("double", x=1, pause_s=2 * LEASE_S)
            until(lambda job_id=heir_or_nobody: server.job(job_id)["state"] == "running", 60, "a worker")
            if heir_or_nobody not in victim.holds():
                assert server.finished(heir_or_nobody, 30)["attempts"] == 1
                continue
            victim.process.kill()
            killed = time.monotonic()
            until(lambda job_id=heir_or_nobody, heir=heir: job_id in heir.holds(), 30, "the heir")
            assert LEASE_S / 2 < time.monotonic() - killed < 20
            assert server.finished(heir_or_nobody, 30)["attempts"] == 2
            break
