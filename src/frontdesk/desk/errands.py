"""Jobs as an engine carries them."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk.desk import looking
from frontdesk.desk.engine import Errand
from frontdesk.desk.job import Job
from frontdesk.desk.rows import Row
from frontdesk.store.database import Database

_AT_A_LOOK = 1000


def errand(job: Job) -> Errand:
    """A job's."""
    return Errand(job.kind.value, job.task, job.id)


def errand_in(row: Row) -> Errand:
    """A row's."""
    return Errand(row["kind"], row["task"], row["id"])


def waiting(database: Database) -> Iterator[Errand]:
    """Those of all jobs that wait, a thousand at a look."""
    after = ""
    while True:
        with database.read() as connection:
            errands = looking.waiting(connection, after, _AT_A_LOOK)
        if not errands:
            return
        yield from errands
        after = errands[-1].job_id
