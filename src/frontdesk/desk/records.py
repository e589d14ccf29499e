"""What trainings tell while they run: points of curves and pieces of a log, a row for each batch of either.

Each attempt (the token of its lease) has its own points, each batch with the position that it reaches, so nothing is
written down twice; and a summary of them up to a position, which is what a page is drawn from.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.job import Lease
from frontdesk.desk.leasing import held, report
from frontdesk.desk.rows import record
from frontdesk.desk.summaries import USUAL_STRETCHES, CurveSummary
from frontdesk.desk.training import Points, Told
from frontdesk.store.tables import run_records

_SHOWN_AT_ONCE = 40
"""Points of one batch that are sent to whoever watches; all of them are kept."""
_LOG_LIMIT_BYTES, _LOG_LOOKED_AT_EACH_BYTES = 2**19, 2**13
_ROWS_AT_ONCE, _CHUNKS_AT_ONCE = 5000, 20


class Chunk(msgspec.Struct, frozen=True):
    """Points told together, and in which attempt of the job."""

    attempt: int
    points: tuple[Points, ...]


Place = tuple[int, int, int]
"""Where a chunk stands among all of a job."""
FRONT: Place = (-1, -1, -1)

_place = (run_records.c.token, run_records.c.position, run_records.c.id)
_points = msgspec.msgpack.Decoder(tuple[Points, ...])
_insert = sa.insert(run_records)


def tell(connection: sa.Connection, lease: Lease, told: Told) -> bool:
    """Write it down, with events for whoever watches; False when the lease is lost."""
    if not held(connection, [lease]):
        return False
    job = lease.job
    if told.points or told.summary:
        add_points(connection, job.id, job.owner, lease.token, job.attempts, told)
    if told.log:
        row = {"count": len(told.log), "data": told.log, "position": 0}
        _add(connection, job.id, "log", lease.token, job.attempts, [row])
        # Looking at all pieces costs more than writing one: once for so many bytes is enough.
        if random.random() < len(told.log) / _LOG_LOOKED_AT_EACH_BYTES:
            _shorten_log(connection, job.id)
        text = {"text": told.log.decode(errors="replace")}
        record(connection, [{"id": job.id, "owner": job.owner}], "log", text)
    return report(connection, lease, told.progress, _latest(told.points), tells_metrics=False)


def add_points(
    connection: sa.Connection, job_id: str, owner: str, token: int, attempt: int, told: Told
) -> None:
    before = count(connection, job_id)
    pieces = list(_pieces(told.points))
    rows: list[dict[str, Any]] = [
        {"count": len(one.rows), "data": msgspec.msgpack.encode((one,)), "position": told.until}
        for one in pieces
    ]
    _add(connection, job_id, "points", token, attempt, rows)
    if told.summary is not None:
        add_summary(connection, job_id, token, attempt, told.until, told.summary)
    if pieces:
        number = sum(len(one.rows) for one in pieces)
        shown = {"first": before, "count": number, "points": msgspec.to_builtins(_thinned(told.points))}
        record(connection, [{"id": job_id, "owner": owner}], "metrics", shown)


def add_summary(
    connection: sa.Connection, job_id: str, token: int, attempt: int, until: int, summary: bytes
) -> None:
    connection.execute(sa.delete(run_records).where(of(job_id, "summary", token)))
    row = {"count": 0, "data": summary, "position": until}
    _add(connection, job_id, "summary", token, attempt, [row])


def _pieces(told: Iterable[Points]) -> Iterator[Points]:
    """The same in pieces of a size that can be read one by one."""
    for points in told:
        for start in range(0, len(points.rows), _ROWS_AT_ONCE):
            yield Points(points.names, points.rows[start : start + _ROWS_AT_ONCE])


def count(connection: sa.Connection, job_id: str) -> int:
    """How many points there are of this job."""
    query = sa.select(sa.func.sum(run_records.c["count"])).where(of(job_id, "points"))
    return int(connection.execute(query).scalar() or 0)


def chunks(connection: sa.Connection, job_id: str, after: Place) -> list[tuple[Place, Chunk]]:
    """Some of the points of a job behind a place, attempt by attempt, in the order they were told."""
    behind = sa.tuple_(*_place) > sa.tuple_(*map(sa.literal, after))
    query = sa.select(*_place, run_records.c.attempt, run_records.c.data).where(of(job_id, "points"), behind)
    found = connection.execute(query.order_by(*_place).limit(_CHUNKS_AT_ONCE))
    return [((row[0], row[1], row[2]), Chunk(row.attempt, _points.decode(row.data))) for row in found]


def summaries(connection: sa.Connection, job_id: str, stretches: int) -> list[CurveSummary]:
    """The curves of each attempt in turn, as fine as that many stretches.

    As fine as usual, only the summaries that are written down are read, and the points since; else all points are.
    """
    query = (
        sa.select(run_records.c.token)
        .where(run_records.c.job == job_id, run_records.c.kind == "points")
        .distinct()
    )
    tokens = sorted(connection.execute(query).scalars())
    return [summary_of(connection, job_id, token, stretches) for token in tokens]


def summary_of(connection: sa.Connection, job_id: str, token: int, stretches: int) -> CurveSummary:
    summary, known_until = CurveSummary(stretches), -1
    if stretches <= USUAL_STRETCHES:
        query = sa.select(run_records.c.data, run_records.c.position).where(of(job_id, "summary", token))
        if (row := connection.execute(query).first()) is not None:
            summary, known_until = CurveSummary.decode(row.data), row.position
    rest = (
        sa.select(run_records.c.data)
        .where(of(job_id, "points", token), run_records.c.position > known_until)
        .order_by(run_records.c.position, run_records.c.id)
    )
    for data in connection.execute(rest.execution_options(yield_per=_CHUNKS_AT_ONCE)).scalars():
        summary.add(_points.decode(data))
    return summary


def log_of(connection: sa.Connection, job_id: str) -> bytes:
    """The end of what the training printed, as much of it as is kept."""
    query = sa.select(run_records.c.data).where(of(job_id, "log")).order_by(run_records.c.id)
    return b"".join(connection.execute(query).scalars())


def of(job_id: str, kind: str, token: int | None = None) -> sa.ColumnElement[bool]:
    of_job = sa.and_(run_records.c.job == job_id, run_records.c.kind == kind)
    return of_job if token is None else sa.and_(of_job, run_records.c.token == token)


def _add(
    connection: sa.Connection, job_id: str, kind: str, token: int, attempt: int, rows: list[dict[str, Any]]
) -> None:
    of = {"job": job_id, "kind": kind, "token": token, "attempt": attempt}
    if rows:
        connection.execute(_insert, [of | row for row in rows])


def _shorten_log(connection: sa.Connection, job_id: str) -> None:
    """Drop the oldest pieces of a log that has grown too long."""
    query = sa.select(run_records.c.id, run_records.c["count"]).where(of(job_id, "log"))
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
