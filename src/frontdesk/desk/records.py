"""What trainings tell while they run: points of curves and pieces of a log, a row for each batch of either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.job import Lease
from frontdesk.desk.leasing import held, report
from frontdesk.desk.rows import record
from frontdesk.desk.training import Points, Told
from frontdesk.store.tables import run_records

_SHOWN_AT_ONCE = 40
"""Points of one batch that are sent to whoever watches; all of them are kept."""
_LOG_LIMIT_BYTES = 2**19


class Chunk(msgspec.Struct, frozen=True):
    """Points told together, and in which attempt of the job. `first` counts the points before them."""

    first: int
    attempt: int
    points: tuple[Points, ...]


_points = msgspec.msgpack.Decoder(tuple[Points, ...])
_insert = sa.insert(run_records)


def tell(connection: sa.Connection, lease: Lease, told: Told) -> bool:
    """Write it down, with events for whoever watches; False when the lease is lost."""
    if not held(connection, [lease]):
        return False
    job = lease.job
    if told.points:
        before = count(connection, job.id)
        number = sum(len(points.rows) for points in told.points)
        _add(connection, lease, "points", number, msgspec.msgpack.encode(told.points))
        shown = {"first": before, "count": number, "points": msgspec.to_builtins(_thinned(told.points))}
        record(connection, [{"id": job.id, "owner": job.owner}], "metrics", shown)
    if told.log:
        _add(connection, lease, "log", len(told.log), told.log)
        _shorten_log(connection, job.id)
        text = {"text": told.log.decode(errors="replace")}
        record(connection, [{"id": job.id, "owner": job.owner}], "log", text)
    return report(connection, lease, told.progress, _latest(told.points), tells_metrics=False)


def count(connection: sa.Connection, job_id: str) -> int:
    """How many points there are of this job."""
    query = sa.select(sa.func.sum(run_records.c["count"])).where(_of(job_id, "points"))
    return int(connection.execute(query).scalar() or 0)


def chunks(connection: sa.Connection, job_id: str) -> Iterator[Chunk]:
    """All points of a job, in the order they were told."""
    query = (
        sa.select(run_records.c.attempt, run_records.c["count"], run_records.c.data)
        .where(_of(job_id, "points"))
        .order_by(run_records.c.id)
    )
    first = 0
    for attempt, number, data in connection.execution_options(yield_per=100).execute(query):
        yield Chunk(first, attempt, _points.decode(data))
        first += number


def log_of(connection: sa.Connection, job_id: str) -> bytes:
    """The end of what the training printed, as much of it as is kept."""
    query = sa.select(run_records.c.data).where(_of(job_id, "log")).order_by(run_records.c.id)
    return b"".join(connection.execute(query).scalars())


def _of(job_id: str, kind: str) -> sa.ColumnElement[bool]:
    return sa.and_(run_records.c.job == job_id, run_records.c.kind == kind)


def _add(connection: sa.Connection, lease: Lease, kind: str, number: int, data: bytes) -> None:
    row = {"job": lease.job.id, "kind": kind, "attempt": lease.job.attempts, "count": number, "data": data}
    connection.execute(_insert, row)


def _shorten_log(connection: sa.Connection, job_id: str) -> None:
    """Drop the oldest pieces of a log that has grown too long."""
    query = sa.select(run_records.c.id, run_records.c["count"]).where(_of(job_id, "log"))
    size, spent = 0, []
    for record_id, number in connection.execute(query.order_by(run_records.c.id.desc())):
        size += number
        if size > _LOG_LIMIT_BYTES:
            spent.append(record_id)
    if spent:
        connection.execute(sa.delete(run_records).where(run_records.c.id.in_(spent)))


def _thinned(told: Sequence[Points]) -> list[Points]:
    """A few of the points, the last of each kind among them."""
    total = sum(len(points.rows) for points in told)
    step = max(-(-total // _SHOWN_AT_ONCE), 1)
    return [Points(points.names, points.rows[::-step][::-1]) for points in told]


def _latest(told: Sequence[Points]) -> Mapping[str, Any]:
    """The last value of each figure."""
    latest: dict[str, Any] = {}
    for points in told:
        latest |= dict(zip(points.names, points.rows[-1][1:], strict=True))
    return latest
