"""A disk that fills up, and has room again: what was acknowledged is kept, what cannot be is refused."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.databases import KIND
from support.server import Server, serving

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit"),
    pytest.mark.skipif(KIND != "sqlite", reason="our processes write no rows to a disk of their own"),
]


@contextmanager
def no_room_for(server: Server, role: str) -> Iterator[None]:
    """Have every write of one process fail, as on a full disk."""
    (process,) = server.children(role)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_a_ticket_that_cannot_be_written_down_is_refused_and_everything_else_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        with no_room_for(server, "web"):
            refused = server.predict("double", x=1, prefer="respond-async")
            assert refused.status_code == 503, refused.text
            assert refused.headers["retry-after"]
            assert "write" in refused.json()["detail"]
            assert server.predict("double", x=21).json()["outputs"]["answer"]["value"] == 42
        assert server.finished(server.submit("double", x=1))["state"] == "succeeded"


def test_an_answer_that_cannot_be_written_is_kept_until_there_is_room(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        (worker,) = server.children("worker")
        job_id = server.submit("double", x=21, pause_s=0.5)
        time.sleep(0.3)
        with no_room_for(server, "worker"):
            time.sleep(1.5)
            assert server.job(job_id)["state"] == "running"
        job = server.finished(job_id)
        assert (job["state"], job["attempts"], job["outputs"]["answer"]["value"]) == ("succeeded", 1, 42)
        assert server.children("worker") == [worker]
