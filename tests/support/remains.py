"""What jobs leave behind, to be compared before and after somebody wakes who must not write."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import psutil

from support.server import Server

# Whatever a job leaves, but for the points of the attempt that was lost: what its training had stored in its spool is
# added to them by whoever finds it.
LEFT = {
    "jobs": "select id, state, attempts, lease_token, worker, version, outputs, result_file from jobs",
    "events": "select id, job, event, cast(data as char(500)) as data from events"
    " where event in ('state', 'log', 'progress')",
    "files": "select id, sha256 from files",
    "versions": "select id, number, is_live, job from versions",
    "log": "select id, job, attempt, data from run_records where kind = 'log'",
    "points": "select id, job, attempt, data from run_records where kind = 'points' and attempt > 1",
}


def left(server: Server) -> dict[str, list[Any]]:
    """What the database has, and which files and folders there are."""
    found: dict[str, list[Any]] = {name: sorted(server.rows(query)) for name, query in LEFT.items()}
    for folder in ("files", "versions", "batches", "checkpoints"):
        paths = (server.data / folder).rglob("*") if (server.data / folder).is_dir() else ()
        found[folder] = sorted(str(path.relative_to(server.data)) for path in paths if path.is_file())
    return found


def stays(look: Callable[[], set[str]]) -> bool:
    """Whether some of what is there is there for longer: what was saved while it changed is taken back at once."""
    before = look()
    time.sleep(0.5)
    return bool(before & look())


def trained_in(server: Server, job_id: str) -> list[int]:
    """The processes that trained, in order."""
    log = server.http.get(f"/api/jobs/{job_id}/log").text
    return [int(pid) for pid in re.findall(r"beginning at \d+ in (\d+)", log)]


def is_gone(pid: int) -> bool:
    """Whether it has ended; who sleeps does not see that its child has."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
