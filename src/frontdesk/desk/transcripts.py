"""What trainings told: read, and added to by whoever finds what a lost worker left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from frontdesk.desk import records
from frontdesk.desk.engine import Engine
from frontdesk.desk.job import JobState
from frontdesk.desk.summaries import USUAL_STRETCHES, CurveSummary
from frontdesk.desk.training import Told
from frontdesk.store.database import Database
from frontdesk.store.tables import jobs, run_records


class Transcripts:
    """What each training told, attempt by attempt.

    An attempt is known by its job and the token of its lease, and how much of it is here by a position in all it told.
    """

    def __init__(self, database: Database, engine: Engine) -> None:
        self._database, self._engine = database, engine

    def chunks(self, job_id: str) -> Iterator[records.Chunk]:
        """All points, in order. Whoever takes them slowly holds up no connection meanwhile."""
        place = records.FRONT
        while True:
            with self._database.read() as connection:
                found = records.chunks(connection, job_id, place)
            if not found:
                return
            yield from (chunk for _, chunk in found)
            place = found[-1][0]

    def curves(self, job_id: str, stretches: int) -> Sequence[CurveSummary]:
        """All points as curves, for each attempt in turn, as fine as that many stretches."""
        with self._database.read() as connection:
            return records.summaries(connection, job_id, stretches)

    def log(self, job_id: str) -> str:
        """The end of what was printed."""
        with self._database.read() as connection:
            return records.log_of(connection, job_id).decode(errors="replace")

    # ------------------------------------------------------- what nobody wrote down in time

    def is_held(self, job_id: str, token: int) -> bool:
        """Whether the attempt goes on, as far as anybody knows."""
        with self._database.read() as connection:
            return _is_held(connection, job_id, token)

    def told_until(self, job_id: str, token: int) -> int:
        """How far what the attempt told is here."""
        with self._database.read() as connection:
            return _told_until(connection, job_id, token)

    def add(self, job_id: str, token: int, attempt: int, told: Told) -> bool:
        """Add what it told after that; False where others have done so, or the attempt still goes on."""
        is_written = self._database.write(lambda c: _add(c, job_id, token, attempt, told), durable=False)
        if is_written:
            self._engine.announce([job_id])
        return is_written


def _is_held(connection: sa.Connection, job_id: str, token: int) -> bool:
    query = sa.select(jobs.c.id).where(
        jobs.c.id == job_id, jobs.c.state == JobState.RUNNING.value, jobs.c.lease_token == token
    )
    return connection.execute(query).first() is not None


def _told_until(connection: sa.Connection, job_id: str, token: int) -> int:
    query = sa.select(sa.func.max(run_records.c.position)).where(records.of(job_id, "points", token))
    return int(connection.execute(query).scalar() or 0)


def _add(connection: sa.Connection, job_id: str, token: int, attempt: int, told: Told) -> bool:
    row = connection.execute(sa.select(jobs.c.owner).where(jobs.c.id == job_id).with_for_update()).first()
    if row is None or _is_held(connection, job_id, token):
        return False
    if _told_until(connection, job_id, token) != told.since:
        return False
    records.add_points(connection, job_id, row.owner, token, attempt, told)
    summary = records.summary_of(connection, job_id, token, USUAL_STRETCHES).encode()
    records.add_summary(connection, job_id, token, attempt, told.until, summary)
    return True
