"""Letting go of what is past its time, a piece at a time so that nobody waits for it.

What may go is looked for in a read, which holds up nobody however long it takes, and is removed in a short
write that looks again: a job may have been retried in between, a file may have got a job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from frontdesk.desk.owning import remove_rows
from frontdesk.store.clock import now
from frontdesk.store.tables import files, job_files, jobs

AT_ONCE = 200
_UPLOAD_GRACE_S = 3600.0
_SMALL_DATABASE_BYTES = 16 * 2**20

Find = Callable[[sa.Connection], Sequence[str]]


class Remove(Protocol):
    """Removes of these what may still go; gives the ids of the files that went."""

    def __call__(self, connection: sa.Connection, ids: Sequence[str]) -> list[str]: ...


_is_held = sa.exists().where(job_files.c.file == files.c.id)
# Only a job that is over has an end. Said so, it is found by the index on ends.
_is_over = jobs.c.finished_at.is_not(None)


def jobs_older_than(days: float) -> Find:
    """Finds jobs that ended longer ago than that, the oldest first."""

    def find(connection: sa.Connection) -> Sequence[str]:
        query = (
            sa.select(jobs.c.id)
            .where(jobs.c.finished_at < now(connection) - timedelta(days=days))
            .order_by(jobs.c.finished_at)
            .limit(AT_ONCE)
        )
        return connection.execute(query).scalars().all()

    return find


def jobs_beyond(total_bytes: int) -> Find:
    """Finds the oldest finished jobs that hold files, as many as are too many for that size."""

    def find(connection: sa.Connection) -> Sequence[str]:
        excess = _excess(connection, total_bytes)
        if excess <= 0:
            return []
        query = (
            sa.select(jobs.c.id, sa.func.sum(files.c.size_bytes))
            .join(job_files, job_files.c.job == jobs.c.id)
            .join(files, files.c.id == job_files.c.file)
            .where(_is_over)
            .group_by(jobs.c.id, jobs.c.finished_at)
            .order_by(jobs.c.finished_at)
            .limit(AT_ONCE)
        )
        return _enough(connection.execute(query), excess)

    return find


def jobs_beyond_rows(total_bytes: int, rows_bytes: Callable[[sa.Connection], int]) -> Find:
    """Finds the oldest finished jobs while the rows, which answers are in, take more than that.

    Tables and indexes take some room by themselves: a small database is left alone.
    """

    def find(connection: sa.Connection) -> Sequence[str]:
        excess = rows_bytes(connection) - max(total_bytes, _SMALL_DATABASE_BYTES)
        if excess <= 0:
            return []
        size_bytes = sa.func.length(jobs.c.payload) + sa.func.coalesce(sa.func.length(jobs.c.outputs), 0)
        query = sa.select(jobs.c.id, size_bytes).where(_is_over).order_by(jobs.c.finished_at).limit(AT_ONCE)
        return _enough(connection.execute(query), excess)

    return find


def uploads_older_than(days: float) -> Find:
    """Finds files that no job came to hold."""

    def find(connection: sa.Connection) -> Sequence[str]:
        query = (
            sa.select(files.c.id)
            .where(files.c.created_at < now(connection) - timedelta(days=days), ~_is_held)
            .order_by(files.c.created_at)
            .limit(AT_ONCE)
        )
        return connection.execute(query).scalars().all()

    return find


def uploads_beyond(total_bytes: int) -> Find:
    """Finds files that no job holds while there is too much: they go before any answer does.

    The youngest are spared, for somebody is about to ask about them.
    """

    def find(connection: sa.Connection) -> Sequence[str]:
        if _excess(connection, total_bytes) <= 0:
            return []
        return uploads_older_than(_UPLOAD_GRACE_S / 86_400)(connection)

    return find


def remove_jobs(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Remove those that are still over; give the files that went with them."""
    query = sa.select(jobs.c.id).where(jobs.c.id.in_(ids), _is_over).with_for_update()
    over = connection.execute(query).scalars().all()
    return remove_rows(connection, over) if over else []


def remove_uploads(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Remove those that still nobody holds; give their ids."""
    # Locked first and looked at then: a job that takes a file on locks it, too.
    query = sa.select(files.c.id).where(files.c.id.in_(ids)).order_by(files.c.id).with_for_update()
    there = connection.execute(query).scalars().all()
    gone = list(connection.execute(sa.select(files.c.id).where(files.c.id.in_(there), ~_is_held)).scalars())
    if gone:
        connection.execute(sa.delete(files).where(files.c.id.in_(gone)))
    return gone


def _enough(found: Iterable[Any], excess: int) -> list[str]:
    """The first of these jobs, with what each holds, that together hold so much."""
    chosen = []
    for job_id, size_bytes in found:
        if excess <= 0:
            break
        chosen.append(job_id)
        excess -= size_bytes
    return chosen


def _excess(connection: sa.Connection, total_bytes: int) -> int:
    return (connection.execute(sa.select(sa.func.sum(files.c.size_bytes))).scalar() or 0) - total_bytes
