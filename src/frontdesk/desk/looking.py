"""Looking without touching: places in line, counts, events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from frontdesk.desk.engine import Errand
from frontdesk.desk.job import Job, JobEvent, JobState, Lane, Queue, Standing
from frontdesk.desk.rows import WAITS, event_of
from frontdesk.store.clock import now
from frontdesk.store.tables import events, jobs

FARTHEST_POSITION = 10_000
_RECENT_JOBS = 20


_queued_in_lane = (jobs.c.kind == sa.bindparam("lane"), jobs.c.state == JobState.QUEUED.value)
_place = sa.select(jobs.c.turn, jobs.c.state).where(jobs.c.id == sa.bindparam("job_id"))
_before = (
    sa.select(sa.literal(1).label("one"))
    .where(
        *_queued_in_lane,
        sa.tuple_(jobs.c.turn, jobs.c.id) < sa.tuple_(sa.bindparam("turn"), sa.bindparam("job_id")),
    )
    .limit(FARTHEST_POSITION - 1)
    .subquery()
)
_how_many_before = sa.select(sa.func.count()).select_from(_before)
_line = (
    sa.select(jobs.c.id, jobs.c.turn)
    .where(*_queued_in_lane)
    .order_by(jobs.c.turn, jobs.c.id)
    .limit(FARTHEST_POSITION - 1)
    .subquery()
)
_numbered = sa.select(
    _line.c.id, sa.func.row_number().over(order_by=(_line.c.turn, _line.c.id)).label("position")
).subquery()
_positions = sa.select(_numbered.c.id, _numbered.c.position).where(
    _numbered.c.id.in_(sa.bindparam("ids", expanding=True))
)
_waiting_of = sa.select(jobs.c.id).where(
    jobs.c.id.in_(sa.bindparam("ids", expanding=True)), jobs.c.state == JobState.QUEUED.value
)
_recent = (
    sa.select(jobs.c.started_at, jobs.c.finished_at)
    .where(jobs.c.kind == sa.bindparam("lane"), jobs.c.state == JobState.SUCCEEDED.value)
    .order_by(jobs.c.finished_at.desc())
    .limit(_RECENT_JOBS + 1)
)


def standing(connection: sa.Connection, job: Job) -> Standing:
    """The job's place in line and a guess how long that takes.

    Nobody is counted further back than 10,000th, which then means "or later". A job that has just been
    taken from the line is about to start: it is first.
    """
    position = 1
    row = connection.execute(_place, {"job_id": job.id}).first()
    if row is not None and row.state == JobState.QUEUED:
        ahead = {"lane": job.kind, "turn": row.turn, "job_id": job.id}
        position += connection.execute(_how_many_before, ahead).scalar_one()
    return _estimated(position, pace(connection, job.kind))


def standings(connection: sa.Connection, waiting: Iterable[Job]) -> dict[str, Standing]:
    """What `standing` says of each, with a few queries for each lane and none for each job."""
    by_lane: dict[Lane, list[str]] = {}
    for job in waiting:
        by_lane.setdefault(job.kind, []).append(job.id)
    found: dict[str, Standing] = {}
    for lane, ids in by_lane.items():
        pace_s = pace(connection, lane)
        waits = set(connection.execute(_waiting_of, {"ids": ids}).scalars())
        known = {row.id: row.position for row in connection.execute(_positions, {"lane": lane, "ids": ids})}
        for job_id in ids:
            position = known.get(job_id, FARTHEST_POSITION) if job_id in waits else 1
            found[job_id] = _estimated(position, pace_s)
    return found


def _estimated(position: int, pace_s: float | None) -> Standing:
    return Standing(position, None if pace_s is None else position * pace_s)


def pace(connection: sa.Connection, lane: Lane) -> float | None:
    """Seconds between two finished jobs of a busy lane: the gap between ends, or the time one took, if that is less."""
    recent = connection.execute(_recent, {"lane": lane}).all()
    if not recent:
        return None
    took = [max(end - start, timedelta()) for start, end in recent]
    gaps = [later[1] - earlier[1] for later, earlier in pairwise(recent)] + [took[-1]]
    total = sum(map(min, took, gaps), timedelta())
    return total.total_seconds() / len(recent)


def counts(connection: sa.Connection, states: Iterable[JobState]) -> dict[tuple[str, str], int]:
    """How many jobs there are of each lane and state, of these states."""
    query = (
        sa.select(jobs.c.kind, jobs.c.state, sa.func.count())
        .where(jobs.c.kind.in_([*Lane]), jobs.c.state.in_([*states]))
        .group_by(jobs.c.kind, jobs.c.state)
    )
    return {(kind, state): number for kind, state, number in connection.execute(query)}


def queues(connection: sa.Connection) -> list[Queue]:
    """What waits, by lane and task. One look at an index, which has what waits and, nearly everywhere, no more."""
    query = (
        sa.select(jobs.c.kind, jobs.c.task, sa.func.count(), sa.func.min(jobs.c.id))
        .where(jobs.c.kind.in_([*Lane]), WAITS)
        .group_by(jobs.c.kind, jobs.c.task)
        .order_by(jobs.c.kind, jobs.c.task)
    )
    found = connection.execute(query).all()
    # A job that was retried, or lost its worker, waits from then on: its last change of state says since when.
    changed = (
        sa.select(events.c.job, sa.func.max(events.c.at))
        .where(events.c.job.in_([oldest for *_, oldest in found]), events.c.event == "state")
        .group_by(events.c.job)
    )
    since = {row[0]: row[1] for row in connection.execute(changed)} if found else {}
    at = now(connection)
    return [
        Queue(
            lane=Lane(kind), task=task, waiting=number, since=since[oldest],
            waited_s=max((at - since[oldest]).total_seconds(), 0.0),
        )
        for kind, task, number, oldest in found
        if oldest in since
    ]  # fmt: skip


def lanes_with_work(connection: sa.Connection, tasks: Sequence[str] | None = None) -> list[Lane]:
    """The lanes in which a job waits, of one of these tasks where some are named."""
    found = connection.execute(_WITH_WORK if tasks is None else _with_work(tasks)).one()
    return [lane for lane, job_id in zip(Lane, found, strict=True) if job_id is not None]


def _with_work(tasks: Sequence[str] | None) -> sa.Select[Any]:
    """A job that waits in each lane, if one does: a look at one end of an index each."""
    first = sa.select(jobs.c.id).where(WAITS).limit(1)
    firsts = [first] if tasks is None else [first.where(jobs.c.task == task) for task in tasks]
    return sa.select(
        *(
            # Of one thing alone there is no coalesce() in SQLite; of none at all, none waits.
            sa.func.coalesce(
                *(one.where(jobs.c.kind == lane.value).scalar_subquery() for one in firsts), None, None
            )
            for lane in Lane
        )
    )


_WITH_WORK = _with_work(None)


def waiting(connection: sa.Connection, after: str, limit: int) -> list[Errand]:
    """Jobs that wait, of every lane, by id from the one after this id on."""
    query = (
        sa.select(jobs.c.kind, jobs.c.task, jobs.c.id)
        .where(jobs.c.state == JobState.QUEUED.value, jobs.c.id > after)
        .order_by(jobs.c.id)
        .limit(limit)
    )
    return [Errand(*row) for row in connection.execute(query)]


def events_after(
    connection: sa.Connection, owner: str | None, job: str | None, after: int, limit: int
) -> list[JobEvent]:
    """Events with ids above `after`, in order."""
    query = sa.select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
    if job is not None:
        # All events of a job have one owner: asked for both, a database may take the index that helps less.
        query = query.where(events.c.job == job)
    elif owner is not None:
        query = query.where(events.c.owner == owner)
    found = [event_of(row) for row in connection.execute(query).mappings()]
    return [event for event in found if owner in (None, event.owner)]


def last_event(connection: sa.Connection, owner: str | None) -> int:
    """The id of the newest event, 0 when there is none."""
    query = sa.select(sa.func.max(events.c.id))
    if owner is not None:
        query = query.where(events.c.owner == owner)
    return connection.execute(query).scalar() or 0
