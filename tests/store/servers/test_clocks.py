"""Machines whose clocks are ten minutes apart: no lease is stolen, and none lasts for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.job import Lane
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.queue import Desk
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from support.desk_jobs import new_job
from support.moments import elsewhen

LEASE_S = 4.0

ELSEWHERE = """
import pathlib, sys, time
from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.job import Lane
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.queue import Desk
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles

url, verb, lease_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
database = Database.open(url)
files = StoredFiles(database, FolderBlobs(pathlib.Path("unused")))
desk = Desk(database, QuietEngine(), DeskLimits(lease_s=lease_s), files)
print(time.time(), flush=True)
if verb == "claim":
    (lease,) = desk.claim("elsewhere", {Lane.PREDICT: 1})
    print("claimed", flush=True)
    sys.stdin.readline()
    assert not desk.beat([lease])
    print("beaten", flush=True)
elif verb == "look":
    (queue,) = desk.queues()
    print(queue.waited_s, flush=True)
else:
    desk.sweep()
database.close()
"""


class Elsewhere:
    """A process with a clock of its own."""

    def __init__(self, shift: str, url: str, verb: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ELSEWHERE, url, verb, str(LEASE_S)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **elsewhen(shift)},
        )  # fmt: skip
        assert abs(abs(float(self.hears()) - time.time()) - 600) < 60

    def ends(self) -> int:
        with self.process:
            return self.process.wait(timeout=30)

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def says(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    files = StoredFiles(database, FolderBlobs(tmp_path))
    return Desk(database, QuietEngine(), DeskLimits(lease_s=LEASE_S), files)


@pytest.mark.parametrize("shift", ["+600s", "-600s"])
def test_a_lease_lasts_as_long_whatever_the_workers_clock_says(
    desk: Desk, database: Database, one_url: str, shift: str
) -> None:
    job = desk.submit(new_job()).job
    worker = Elsewhere(shift, one_url, "claim")
    assert worker.hears() == "claimed"
    desk.sweep()
    assert desk.get(job.id, None).state == "running"
    worker.says("beat")
    assert worker.hears() == "beaten"
    beaten_at = time.monotonic()
    assert worker.ends() == 0
    while desk.get(job.id, None).state == "running":
        assert time.monotonic() - beaten_at < 30, "it lasts for ever"
        desk.sweep()
        time.sleep(0.1)
    assert time.monotonic() - beaten_at > LEASE_S - 0.5


@pytest.mark.parametrize("shift", ["+600s", "-600s"])
def test_a_sweeper_takes_back_nothing_because_of_its_clock(desk: Desk, one_url: str, shift: str) -> None:
    job = desk.submit(new_job()).job
    (lease,) = desk.claim("here", {Lane.PREDICT: 1})
    sweeper = Elsewhere(shift, one_url, "sweep")
    deadline = time.monotonic() + 60
    while sweeper.process.poll() is None:
        assert time.monotonic() < deadline
        assert not desk.beat([lease])
        time.sleep(0.1)
    assert sweeper.ends() == 0
    assert desk.get(job.id, None).state == "running"


def test_a_transaction_counts_on_from_what_the_database_said(database: Database) -> None:
    with database.read() as connection:
        first = now(connection)
        time.sleep(0.05)
        later = now(connection)
    assert 0.05 <= (later - first).total_seconds() < 5


@pytest.mark.parametrize("shift", ["+600s", "-600s"])
def test_a_job_has_waited_as_long_wherever_that_is_asked(desk: Desk, one_url: str, shift: str) -> None:
    began = time.monotonic()
    desk.submit(new_job())
    time.sleep(0.1)
    onlooker = Elsewhere(shift, one_url, "look")
    waited_s = float(onlooker.hears())
    assert 0.1 <= waited_s <= time.monotonic() - began + 0.01
    assert onlooker.ends() == 0
