"""Several real processes on one database file."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from frontdesk.desk.queue import Desk
from frontdesk.store.database import Database
from support.databases import DATABASES
from support.desk_jobs import new_job

WORKER = """
import sys, pathlib
from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.job import Lane
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.queue import Desk
from frontdesk.store.database import Database
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.files import StoredFiles

where = sys.argv[1]
database = Database.open(where if "://" in where else pathlib.Path(where))
database.migrate()
files = StoredFiles(database, FolderBlobs(pathlib.Path("unused")))
desk = Desk(database, QuietEngine(), DeskLimits(), files)
while leases := desk.claim(sys.argv[2], {Lane.PREDICT: 7}):
    assert not desk.settle([(lease, b"{}", 1) for lease in leases], [])
    print(*(lease.job.id for lease in leases), sep="\\n")
database.close()
"""


def test_each_job_is_done_by_one_worker_once(desk: Desk, tmp_path: Path) -> None:
    made = [desk.submit(new_job(fingerprint=str(n))).job.id for n in range(200)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(DATABASES.of(tmp_path)), f"w{n}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]
    done = [line for worker in workers for line in worker.communicate(timeout=60)[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert Counter(done) == Counter(made)
    assert desk.counts()["predict"] == {"succeeded": 200}


def test_processes_that_start_at_once_make_the_tables_once(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    starters = [subprocess.Popen([sys.executable, "-c", WORKER, str(path), f"w{n}"]) for n in range(6)]
    assert [starter.wait(timeout=60) for starter in starters] == [0] * 6
    database = Database.open(path)
    database.migrate()
    database.close()
