"""A desk of its own in a folder, with an engine that only remembers what it was told."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.job import Job, Lane, Lease
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.queue import Desk
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from support.databases import DATABASES
from support.desk_jobs import new_job


@dataclass(frozen=True)
class Office:
    """A desk and what it stands on."""

    folder: Path
    database: Database
    files: StoredFiles
    engine: QuietEngine
    desk: Desk

    def submit(self, owner: str = "alice", **changes: Any) -> Job:
        """A new job."""
        return self.desk.submit(new_job(owner, **changes)).job

    def claim(
        self, limit: int = 1, worker: str = "worker", lanes: Sequence[Lane] = (Lane.PREDICT,)
    ) -> list[Lease]:
        """The next jobs in line."""
        return self.desk.claim(worker, dict.fromkeys(lanes, limit))

    def take(self, worker: str = "worker") -> Lease:
        """The next job in line, of which there must be one."""
        (lease,) = self.claim(1, worker)
        return lease

    def rows(self, query: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """What the database itself says, past all our own code."""
        return DATABASES.rows(self.folder, query, **values)

    def states(self, job_id: str) -> list[str]:
        """The states a job went through, by its events."""
        events = self.desk.events(None, job_id, after=0, limit=1000)
        return [event.data["state"] for event in events if event.event == "state"]

    def state(self, job: Job) -> str:
        """The state a job is in now."""
        return self.desk.get(job.id, None).state.value


@contextlib.contextmanager
def open_office(folder: Path, template: Path | None = None, **limits: Any) -> Iterator[Office]:
    """An office in this folder; `template` is a database to begin with, which is quicker than making one."""
    folder.mkdir(parents=True, exist_ok=True)
    place = DATABASES.of(folder)
    if template is not None and isinstance(place, Path):
        shutil.copy(template, place)
    database = Database.open(place)
    database.migrate()
    files, engine = StoredFiles(database, FolderBlobs(folder / "files")), QuietEngine()
    try:
        yield Office(folder, database, files, engine, Desk(database, engine, DeskLimits(**limits), files))
    finally:
        database.close()
        DATABASES.give_back(folder)
