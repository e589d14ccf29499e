"""Work in hand: claims with a fencing token, heartbeats, outcomes, and taking back what a dead worker held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from frontdesk.desk.job import JobState, Lease, Progress
from frontdesk.desk.rows import job_of, now, record_states
from frontdesk.store.tables import events, jobs

QUEUED, RUNNING = JobState.QUEUED.value, JobState.RUNNING.value

_finish = (
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("row_id"))
    .values(
        state=sa.bindparam("new_state"),
        outputs=sa.bindparam("new_outputs"),
        version=sa.func.coalesce(sa.bindparam("new_version"), jobs.c.version),
        error=sa.bindparam("new_error"),
        finished_at=sa.bindparam("at"),
        worker=None,
        lease_expires_at=None,
    )
)


def claim(
    connection: sa.Connection, worker: str, lanes: Sequence[str], limit: int, lease_s: float
) -> list[Lease]:
    """Give the worker up to `limit` queued jobs, in the order of their turns."""
    rows: list[sa.RowMapping] = []
    for lane in lanes:
        query = (
            sa.select(jobs)
            .where(jobs.c.kind == lane, jobs.c.state == QUEUED)
            .order_by(jobs.c.turn, jobs.c.id)
            .limit(limit - len(rows))
        )
        rows += connection.execute(query).mappings().all()
        if len(rows) >= limit:
            break
    if not rows:
        return []
    return lease(connection, rows, worker, lease_s)


def lease(
    connection: sa.Connection, rows: Sequence[sa.RowMapping], worker: str, lease_s: float
) -> list[Lease]:
    """Make these queued rows the worker's. Each gets a token no earlier holder has."""
    at = now()
    ids = [row["id"] for row in rows]
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.id.in_(ids))
        .values(
            state=RUNNING,
            worker=worker,
            attempts=jobs.c.attempts + 1,
            lease_token=jobs.c.lease_token + 1,
            lease_expires_at=at + timedelta(seconds=lease_s),
            started_at=at,
        )
    )
    record_states(connection, rows, JobState.RUNNING)
    return [
        Lease(
            job_of({**row, "state": RUNNING, "attempts": row["attempts"] + 1, "started_at": at}),
            row["lease_token"] + 1,
        )
        for row in rows
    ]


def valid(connection: sa.Connection, leases: Sequence[Lease]) -> set[str]:
    """The ids of those jobs that still belong to the holder of their lease."""
    tokens = {lease.job.id: lease.token for lease in leases}
    query = sa.select(jobs.c.id, jobs.c.lease_token).where(
        jobs.c.id.in_(list(tokens)), jobs.c.state == RUNNING
    )
    return {job_id for job_id, token in connection.execute(query) if tokens[job_id] == token}


def beat(connection: sa.Connection, leases: Sequence[Lease], lease_s: float) -> set[str]:
    """Extend the leases; give the ids of jobs that are lost."""
    held = valid(connection, leases)
    if held:
        expires_at = now() + timedelta(seconds=lease_s)
        connection.execute(
            sa.update(jobs).where(jobs.c.id.in_(list(held))).values(lease_expires_at=expires_at)
        )
    return {lease.job.id for lease in leases} - held


def settle(
    connection: sa.Connection,
    finished: Sequence[tuple[Lease, bytes, int]],
    failed: Sequence[tuple[Lease, str]],
) -> set[str]:
    """Write outcomes; give the ids whose lease was lost, of which nothing is written."""
    leases = [entry[0] for entry in finished] + [entry[0] for entry in failed]
    held = valid(connection, leases)
    at = now()
    updates: list[dict[str, Any]] = []
    for lease, outputs, version in finished:
        updates.append(_end(lease, JobState.SUCCEEDED, at, outputs=outputs, version=version))
    for lease, error in failed:
        updates.append(_end(lease, JobState.FAILED, at, error=error))
    updates = [update for update in updates if update["row_id"] in held]
    if updates:
        connection.execute(_finish, updates)
    owners = {lease.job.id: {"id": lease.job.id, "owner": lease.job.owner} for lease in leases}
    record_states(
        connection,
        [owners[lease.job.id] for lease, _, _ in finished if lease.job.id in held],
        JobState.SUCCEEDED,
    )
    for lease, error in failed:
        if lease.job.id in held:
            record_states(connection, [owners[lease.job.id]], JobState.FAILED, error)
    return {lease.job.id for lease in leases} - held


def _end(
    lease: Lease,
    state: JobState,
    at: Any,
    *,
    outputs: bytes | None = None,
    version: int | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    return {
        "row_id": lease.job.id,
        "new_state": state.value,
        "new_outputs": outputs,
        "new_version": version,
        "new_error": error,
        "at": at,
    }


def report(connection: sa.Connection, lease: Lease, progress: Progress) -> bool:
    """Write progress down, with its event; False when the lease is lost."""
    if not valid(connection, [lease]):
        return False
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == lease.job.id)
        .values(progress_done=progress.done, progress_total=progress.total, progress_message=progress.message)
    )
    data = {"done": progress.done, "total": progress.total, "message": progress.message}
    connection.execute(
        sa.insert(events).values(
            job=lease.job.id, owner=lease.job.owner, event="progress", data=data, at=now()
        )
    )
    return True


def release(connection: sa.Connection, lease: Lease) -> bool:
    """Back to its place in line, as if it had never been claimed; False when the lease is lost."""
    if not valid(connection, [lease]):
        return False
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == lease.job.id)
        .values(
            state=QUEUED, worker=None, lease_expires_at=None, started_at=None, attempts=jobs.c.attempts - 1
        )
    )
    record_states(connection, [{"id": lease.job.id, "owner": lease.job.owner}], JobState.QUEUED)
    return True


def reclaim(connection: sa.Connection, which: sa.ColumnElement[bool], attempts_limit: int) -> list[str]:
    """Take running jobs from workers that are gone: back in line, or failed when too many workers died of them."""
    query = sa.select(jobs).where(jobs.c.state == RUNNING, which).limit(1000)
    rows = connection.execute(query).mappings().all()
    spent = [row for row in rows if row["attempts"] - row["attempts_forgiven"] >= attempts_limit]
    again = [row for row in rows if row["attempts"] - row["attempts_forgiven"] < attempts_limit]
    if again:
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.id.in_([row["id"] for row in again]))
            .values(state=QUEUED, worker=None, lease_expires_at=None, started_at=None)
        )
        record_states(connection, again, JobState.QUEUED)
    if spent:
        error = f"The worker was lost {attempts_limit} times while it worked on this job, so it is not tried again."
        connection.execute(
            sa.update(jobs)
            .where(jobs.c.id.in_([row["id"] for row in spent]))
            .values(
                state=JobState.FAILED.value,
                error=error,
                worker=None,
                lease_expires_at=None,
                finished_at=now(),
            )
        )
        record_states(connection, spent, JobState.FAILED, error)
    return [row["id"] for row in rows]
