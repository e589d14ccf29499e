"""Work in hand: claims with a fencing token, heartbeats, outcomes, and taking back what a dead worker held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from frontdesk.desk.job import Failure, Job, JobState, Lane, Lease, Progress
from frontdesk.desk.rows import WAITS, Row, job_of, record, record_states
from frontdesk.errors import LeaseLost
from frontdesk.store.clock import now
from frontdesk.store.tables import jobs

Which = Callable[[sa.Connection], sa.ColumnElement[bool]]

_IN_WORK = sa.and_(
    jobs.c.kind.in_(
        [lane.value for lane in Lane]
    ),  # all of them, so that the index on lanes and states serves
    jobs.c.state == JobState.RUNNING.value,
)
_OURS = sa.and_(jobs.c.id.in_(sa.bindparam("ids", expanding=True)), jobs.c.state == JobState.RUNNING.value)
_IN_NOBODYS_HANDS: dict[str, Any] = {"worker": None, "lease_expires_at": None}

_next_in_line = (
    sa.select(jobs)
    .where(jobs.c.kind == sa.bindparam("lane"), WAITS)
    .order_by(jobs.c.turn, jobs.c.id)
    .limit(sa.bindparam("room"))
    .with_for_update(skip_locked=True)
)
_next_of_a_task = (
    sa.select(jobs)
    .where(jobs.c.kind == sa.bindparam("lane"), WAITS, jobs.c.task == sa.bindparam("of_task"))
    .order_by(jobs.c.turn, jobs.c.id)
    .limit(sa.bindparam("room"))
    .with_for_update(skip_locked=True)
)
_lease = (
    sa.update(jobs)
    .where(jobs.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(
        state=JobState.RUNNING.value,
        worker=sa.bindparam("holder"),
        attempts=jobs.c.attempts + 1,
        lease_token=jobs.c.lease_token + 1,
        lease_expires_at=sa.bindparam("until"),
        started_at=sa.bindparam("at"),
    )
)
# In one order, so that two who lock several never wait for each other.
_tokens = sa.select(jobs.c.id, jobs.c.lease_token).where(_OURS).order_by(jobs.c.id).with_for_update()
_end = (
    sa.update(jobs)
    .where(
        jobs.c.id == sa.bindparam("row_id"),
        jobs.c.state == JobState.RUNNING.value,
        jobs.c.lease_token == sa.bindparam("token"),
    )
    .values(
        state=sa.bindparam("new_state"),
        outputs=sa.bindparam("new_outputs"),
        version=sa.func.coalesce(sa.bindparam("new_version"), jobs.c.version),
        error=sa.bindparam("new_error"),
        error_kind=sa.bindparam("new_error_kind"),
        finished_at=sa.bindparam("at"),
        **_IN_NOBODYS_HANDS,
    )
)


def claim(
    connection: sa.Connection,
    worker: str,
    room: Mapping[Lane, int],
    lease_s: float,
    tasks: Sequence[str] | None = None,
) -> list[Lease]:
    """Give the worker up to so many queued jobs of each lane, in the order of their turns; of these tasks, if any."""
    rows = [row for lane, limit in room.items() for row in _next(connection, lane, limit, tasks)]
    return lease(connection, rows, worker, lease_s) if rows else []


def _next(connection: sa.Connection, lane: str, room: int, tasks: Sequence[str] | None) -> Sequence[Row]:
    if tasks is None:
        return connection.execute(_next_in_line, {"lane": lane, "room": room}).mappings().all()
    # An index has the first few of each task; of several tasks at once a database would sort all that wait.
    found = [
        row
        for task in tasks
        for row in connection.execute(
            _next_of_a_task, {"lane": lane, "room": room, "of_task": task}
        ).mappings()
    ]
    return sorted(found, key=lambda row: (row["turn"], row["id"]))[:room]


def lease(connection: sa.Connection, rows: Sequence[Row], worker: str, lease_s: float) -> list[Lease]:
    """Make these queued rows the worker's. Each gets a token no earlier holder has."""
    at = now(connection)
    connection.execute(
        _lease,
        {
            "ids": [row["id"] for row in rows],
            "holder": worker,
            "until": at + timedelta(seconds=lease_s),
            "at": at,
        },
    )
    record_states(connection, rows, JobState.RUNNING)
    return [Lease(_running(row, at), row["lease_token"] + 1) for row in rows]


def _running(row: Row, at: datetime) -> Job:
    return job_of({**row, "state": JobState.RUNNING, "attempts": row["attempts"] + 1, "started_at": at})


def held(connection: sa.Connection, leases: Sequence[Lease]) -> set[str]:
    """The ids of those jobs that still belong to the holder of their lease."""
    tokens = {lease.job.id: lease.token for lease in leases}
    found = connection.execute(_tokens, {"ids": list(tokens)})
    return {job_id for job_id, token in found if tokens[job_id] == token}


def of_this_attempt(lease: Lease, *states: JobState) -> sa.ColumnElement[bool]:
    """The job, in one of these states under this lease, or cancelled under it."""
    under_it = sa.and_(jobs.c.lease_token == lease.token, jobs.c.state.in_([state.value for state in states]))
    # Cancelling fences the worker off, with the next token.
    cancelled = sa.and_(jobs.c.lease_token == lease.token + 1, jobs.c.state == JobState.CANCELLED.value)
    return sa.and_(jobs.c.id == lease.job.id, sa.or_(under_it, cancelled))


def fence(connection: sa.Connection, lease: Lease) -> None:
    """Raises LeaseLost unless the job is the holder's, or its owner cancelled it in the holder's hands."""
    query = sa.select(jobs.c.id).where(of_this_attempt(lease, JobState.RUNNING)).with_for_update()
    if connection.execute(query).first() is None:
        raise LeaseLost(lease.job.id)


def beat(connection: sa.Connection, leases: Sequence[Lease], lease_s: float) -> set[str]:
    """Extend the leases; give the ids of jobs that are lost."""
    ours = held(connection, leases)
    if ours:
        until = now(connection) + timedelta(seconds=lease_s)
        connection.execute(sa.update(jobs).where(jobs.c.id.in_(ours)).values(lease_expires_at=until))
    return {lease.job.id for lease in leases} - ours


def settle(
    connection: sa.Connection,
    finished: Sequence[tuple[Lease, bytes, int]],
    failed: Sequence[tuple[Lease, Failure]],
) -> set[str]:
    """Write outcomes; give the ids whose lease was lost, of which nothing is written."""
    leases = [entry[0] for entry in finished] + [entry[0] for entry in failed]
    ours = held(connection, leases)
    finished = [entry for entry in finished if entry[0].job.id in ours]
    failed = [entry for entry in failed if entry[0].job.id in ours]
    at = now(connection)
    ends = [
        _outcome(lease, at, JobState.SUCCEEDED, outputs=outputs, version=version)
        for lease, outputs, version in finished
    ] + [_outcome(lease, at, JobState.FAILED, failure=failure) for lease, failure in failed]
    if ends:
        connection.execute(_end, ends)
    record_states(connection, [_row(lease) for lease, _, _ in finished], JobState.SUCCEEDED)
    for lease, failure in failed:
        record_states(connection, [_row(lease)], JobState.FAILED, failure.reason)
    return {lease.job.id for lease in leases} - ours


def _outcome(
    lease: Lease,
    at: datetime,
    state: JobState,
    *,
    outputs: bytes | None = None,
    version: int | None = None,
    failure: Failure | None = None,
) -> dict[str, Any]:
    return {
        "row_id": lease.job.id,
        "token": lease.token,
        "new_state": state.value,
        "new_outputs": outputs,
        "new_version": version,
        "new_error": failure and failure.reason,
        "new_error_kind": failure and failure.kind,
        "at": at,
    }


def _row(lease: Lease) -> Row:
    job = lease.job
    return {"id": job.id, "owner": job.owner, "kind": job.kind, "task": job.task, "title": job.title}


def report(
    connection: sa.Connection,
    lease: Lease,
    progress: Progress | None,
    metrics: Mapping[str, Any],
    *,
    tells_metrics: bool = True,
) -> bool:
    """Write down how far it is, with an event for each kind of news; False when the lease is lost."""
    if not held(connection, [lease]):
        return False
    changes: dict[str, Any] = {}
    if progress is not None:
        data = {"done": progress.done, "total": progress.total, "message": progress.message}
        changes = {f"progress_{name}": value for name, value in data.items()}
        record(connection, [_row(lease)], "progress", data)
    if metrics:
        query = sa.select(jobs.c.metrics).where(jobs.c.id == lease.job.id)
        changes["metrics"] = {**connection.execute(query).scalar_one(), **metrics}
        if tells_metrics:
            record(connection, [_row(lease)], "metrics", dict(metrics))
    if changes:
        connection.execute(sa.update(jobs).where(jobs.c.id == lease.job.id).values(**changes))
    return True


def release(connection: sa.Connection, lease: Lease) -> bool:
    """Back to its place in line, as if it had never been claimed; False when the lease is lost."""
    if not held(connection, [lease]):
        return False
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == lease.job.id)
        .values(
            state=JobState.QUEUED.value,
            attempts=jobs.c.attempts - 1,
            started_at=None,
            **_IN_NOBODYS_HANDS,
        )
    )
    record_states(connection, [_row(lease)], JobState.QUEUED)
    return True


def is_any_in_work(connection: sa.Connection, which: sa.ColumnElement[bool]) -> bool:
    """Whether `reclaim` would find something."""
    query = sa.select(jobs.c.id).where(_IN_WORK, which).limit(1)
    return connection.execute(query).first() is not None


def reclaim(
    connection: sa.Connection, which: sa.ColumnElement[bool], attempts_limit: int
) -> tuple[Sequence[Row], Sequence[Row]]:
    """Take running jobs from workers that are gone: back in line, or failed when too many workers died of them.

    Gives both kinds, as they were.

    The token stays: who comes back from the dead finds the job not running, or running under a higher token.
    """
    # One that is locked is being changed just now, by a worker that is not gone or by another sweep.
    query = sa.select(jobs).where(_IN_WORK, which).limit(1000).with_for_update(skip_locked=True)
    rows = connection.execute(query).mappings().all()
    spent = [row for row in rows if row["attempts"] - row["attempts_forgiven"] >= attempts_limit]
    again = [row for row in rows if row["attempts"] - row["attempts_forgiven"] < attempts_limit]
    if again:
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.id.in_([row["id"] for row in again]))
            .values(state=JobState.QUEUED.value, started_at=None, **_IN_NOBODYS_HANDS)
        )
        record_states(connection, again, JobState.QUEUED)
    if spent:
        error = f"The worker was lost {attempts_limit} times while it worked on this job, so it is not tried again."
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.id.in_([row["id"] for row in spent]))
            .values(
                state=JobState.FAILED.value, error=error, finished_at=now(connection), **_IN_NOBODYS_HANDS
            )
        )
        record_states(connection, spent, JobState.FAILED, error)
    return again, spent
