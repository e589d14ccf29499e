"""Looking without touching: one job, a page of jobs, places in line, counts, events."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta

import msgspec
import sqlalchemy as sa

from frontdesk.desk.job import Job, JobEvent, JobState, Lane, Standing
from frontdesk.desk.rows import event_of, job_of
from frontdesk.errors import Fault, InvalidInput
from frontdesk.store.tables import events, jobs

_FARTHEST_POSITION = 10_000
_RECENT_JOBS = 20


class JobFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs a page shows; None means any."""

    state: JobState | None = None
    task: str | None = None
    kind: Lane | None = None
    archived: bool | None = None


class Page(msgspec.Struct, frozen=True):
    """Some jobs, the newest first, and the cursor of the next page."""

    items: Sequence[Job]
    next: str | None


def page(
    connection: sa.Connection, owner: str | None, filters: JobFilters, limit: int, cursor: str | None
) -> Page:
    """A page of jobs. A cursor is the id the page before ended with, so jobs that come meanwhile shift nothing."""
    query = sa.select(jobs).order_by(jobs.c.id.desc()).limit(limit + 1)
    if owner is not None:
        query = query.where(jobs.c.owner == owner)
    for name in ("state", "task", "kind", "archived"):
        if (wanted := getattr(filters, name)) is not None:
            query = query.where(jobs.c[name] == wanted)
    if cursor is not None:
        if len(cursor) != 36:
            raise InvalidInput.of([Fault("/cursor", "This is no cursor of a page of jobs.")])
        query = query.where(jobs.c.id < cursor)
    found = [job_of(row) for row in connection.execute(query).mappings()]
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def standing(connection: sa.Connection, job: Job) -> Standing:
    """The job's place in its line, counted up to 10,000, and a guess how long that takes."""
    mine = sa.select(jobs.c.turn).where(jobs.c.id == job.id).scalar_subquery()
    before = (
        sa.select(sa.literal(1))
        .where(
            jobs.c.kind == job.kind.value,
            jobs.c.state == JobState.QUEUED.value,
            sa.or_(jobs.c.turn < mine, sa.and_(jobs.c.turn == mine, jobs.c.id < job.id)),
        )
        .limit(_FARTHEST_POSITION)
        .subquery()
    )
    ahead = connection.execute(sa.select(sa.func.count()).select_from(before)).scalar() or 0
    pace_s = _pace(connection, job.kind)
    return Standing(ahead + 1, None if pace_s is None else (ahead + 1) * pace_s)


def _pace(connection: sa.Connection, lane: Lane) -> float | None:
    """Seconds between two finished jobs of a busy lane: the gap between ends, or the time one took, if that is less."""
    query = (
        sa.select(jobs.c.started_at, jobs.c.finished_at)
        .where(jobs.c.kind == lane.value, jobs.c.state == JobState.SUCCEEDED.value)
        .order_by(jobs.c.finished_at.desc())
        .limit(_RECENT_JOBS + 1)
    )
    recent = connection.execute(query).all()
    if not recent:
        return None
    took = [max(end - start, timedelta()) for start, end in recent]
    gaps = [later[1] - earlier[1] for later, earlier in itertools.pairwise(recent)] + [took[-1]]
    total = sum(map(min, took, gaps), timedelta())
    return total.total_seconds() / len(recent)


def counts(connection: sa.Connection) -> dict[str, dict[str, int]]:
    """How many jobs there are, by lane and state."""
    query = sa.select(jobs.c.kind, jobs.c.state, sa.func.count()).group_by(jobs.c.kind, jobs.c.state)
    found: dict[str, dict[str, int]] = {lane.value: {} for lane in Lane}
    for kind, state, number in connection.execute(query):
        found[kind][state] = number
    return found


def events_after(
    connection: sa.Connection, owner: str | None, job: str | None, after: int, limit: int
) -> list[JobEvent]:
    """Events with ids above `after`, in order."""
    query = sa.select(events).where(events.c.id > after).order_by(events.c.id).limit(limit)
    if owner is not None:
        query = query.where(events.c.owner == owner)
    if job is not None:
        query = query.where(events.c.job == job)
    return [event_of(row) for row in connection.execute(query).mappings()]


def last_event(connection: sa.Connection, owner: str | None) -> int:
    """The id of the newest event, 0 when there is none."""
    query = sa.select(sa.func.max(events.c.id))
    if owner is not None:
        query = query.where(events.c.owner == owner)
    return connection.execute(query).scalar() or 0
