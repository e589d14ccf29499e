"""Letting go of what is past its time, a piece at a time so that nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from frontdesk.desk.job import FINAL_STATES
from frontdesk.desk.owning import remove_rows
from frontdesk.desk.rows import now
from frontdesk.store.tables import files, job_files, jobs

_JOBS_AT_ONCE = 200
_FINAL = [state.value for state in FINAL_STATES]

Pruner = Callable[[sa.Connection], list[str]]


def jobs_older_than(days: float) -> Pruner:
    """Removes some jobs that ended longer ago than that; gives the files that went."""

    def prune(connection: sa.Connection) -> list[str]:
        return _remove_oldest(connection, jobs.c.finished_at < now() - timedelta(days=days))

    return prune


def jobs_beyond(total_bytes: int) -> Pruner:
    """Removes the oldest finished jobs that hold files while all files together are larger than that."""

    def prune(connection: sa.Connection) -> list[str]:
        excess = (connection.execute(sa.select(sa.func.sum(files.c.size_bytes))).scalar() or 0) - total_bytes
        if excess <= 0:
            return []
        held = (
            sa.select(jobs.c.id, sa.func.sum(files.c.size_bytes))
            .join(job_files, job_files.c.job == jobs.c.id)
            .join(files, files.c.id == job_files.c.file)
            .where(jobs.c.state.in_(_FINAL))
            .group_by(jobs.c.id)
            .order_by(sa.func.min(jobs.c.finished_at))
            .limit(_JOBS_AT_ONCE)
        )
        chosen = []
        for job_id, size_bytes in connection.execute(held):
            if excess <= 0:
                break
            chosen.append(job_id)
            excess -= size_bytes
        return _remove_oldest(connection, jobs.c.id.in_(chosen))

    return prune


def unheld_files_older_than(days: float) -> Pruner:
    """Removes uploads that no job came to hold."""

    def prune(connection: sa.Connection) -> list[str]:
        held = sa.exists().where(job_files.c.file == files.c.id)
        query = (
            sa.select(files.c.id)
            .where(files.c.created_at < now() - timedelta(days=days), ~held)
            .limit(_JOBS_AT_ONCE)
        )
        gone = list(connection.execute(query).scalars())
        if gone:
            connection.execute(sa.delete(files).where(files.c.id.in_(gone)))
        return gone

    return prune


def _remove_oldest(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[str]:
    query = (
        sa.select(jobs)
        .where(jobs.c.state.in_(_FINAL), which)
        .order_by(jobs.c.finished_at)
        .limit(_JOBS_AT_ONCE)
    )
    rows = connection.execute(query).mappings().all()
    return remove_rows(connection, rows) if rows else []
