"""Taking on work: identical requests share a ticket, keys are kept, everybody gets a fair turn."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from frontdesk.desk.job import JobState, NewJob, Submitted
from frontdesk.desk.rows import job_of, now, record_states
from frontdesk.errors import IdempotencyMismatch
from frontdesk.store.ids import new_id
from frontdesk.store.tables import job_files, jobs

UNFINISHED = (JobState.QUEUED.value, JobState.RUNNING.value)


def submit(connection: sa.Connection, new: NewJob) -> Submitted:
    """Write the job, or find the one that stands for the same request already."""
    twin = _of_this_key(connection, new) or _unfinished_twin(connection, new)
    if twin is not None:
        return Submitted(job_of(twin), is_new=False)
    row = _row(connection, new)
    connection.execute(sa.insert(jobs), row)
    if new.files:
        connection.execute(sa.insert(job_files), [{"job": row["id"], "file": f} for f in new.files])
    record_states(connection, [row], JobState.QUEUED)
    return Submitted(job_of(row), is_new=True)


def _of_this_key(connection: sa.Connection, new: NewJob) -> sa.RowMapping | None:
    if new.idempotency_key is None:
        return None
    query = sa.select(jobs).where(jobs.c.owner == new.owner, jobs.c.idempotency_key == new.idempotency_key)
    row = connection.execute(query).mappings().first()
    if row is not None and row["fingerprint"] != new.fingerprint:
        raise IdempotencyMismatch("This Idempotency-Key was used before for a different request.")
    return row


def _unfinished_twin(connection: sa.Connection, new: NewJob) -> sa.RowMapping | None:
    # A request with a key of its own is meant as one of its own.
    if not new.fingerprint or new.idempotency_key is not None:
        return None
    query = sa.select(jobs).where(
        jobs.c.owner == new.owner, jobs.c.fingerprint == new.fingerprint, jobs.c.state.in_(UNFINISHED)
    )
    return connection.execute(query.limit(1)).mappings().first()


def _row(connection: sa.Connection, new: NewJob) -> dict[str, Any]:
    return {
        "id": new_id(),
        "owner": new.owner,
        "kind": new.kind.value,
        "task": new.task,
        "model": new.model,
        "version": new.version,
        "state": JobState.QUEUED.value,
        "payload": new.payload,
        "outputs": None,
        "error": None,
        "progress_done": 0,
        "progress_total": 0,
        "progress_message": "",
        "metrics": {},
        "archived": False,
        "title": new.title,
        "input_file": new.input_file,
        "result_file": None,
        "fingerprint": new.fingerprint,
        "idempotency_key": new.idempotency_key,
        "attempts": 0,
        "turn": fair_turn(connection, new.kind.value, new.owner),
        "created_at": now(),
        "started_at": None,
        "finished_at": None,
    }


def fair_turn(connection: sa.Connection, kind: str, owner: str) -> int:
    """The owner's place by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996, with jobs for packets).

    Each job's turn follows the owner's last one, but is never before the turn now being served:
    whoever comes with a thousand jobs does not push back somebody who comes later with one.
    """
    last = connection.execute(
        sa.select(sa.func.max(jobs.c.turn)).where(
            jobs.c.kind == kind, jobs.c.owner == owner, jobs.c.state == JobState.QUEUED.value
        )
    ).scalar()
    if last is not None:
        return int(last) + 1
    served = connection.execute(
        sa.select(sa.func.min(jobs.c.turn)).where(jobs.c.kind == kind, jobs.c.state == JobState.QUEUED.value)
    ).scalar()
    return int(served or 0)
