"""Taking on work: identical requests share a ticket, keys are kept, everybody gets a fair turn."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from frontdesk.desk.job import JobState, NewJob, Submitted
from frontdesk.desk.rows import Row, job_of, record_states
from frontdesk.errors import Conflict, IdempotencyMismatch, NotFound, TooManyRequests
from frontdesk.store import turns
from frontdesk.store.clock import now
from frontdesk.store.ids import new_id
from frontdesk.store.tables import files, job_files, jobs

_QUEUED, _RUNNING = jobs.c.state == JobState.QUEUED.value, jobs.c.state == JobState.RUNNING.value
_owner, _kind = jobs.c.owner == sa.bindparam("of_owner"), jobs.c.kind == sa.bindparam("of_kind")

_insert = sa.insert(jobs)
_of_key = sa.select(jobs).where(_owner, jobs.c.idempotency_key == sa.bindparam("key"))
_twin = (
    sa.select(jobs)
    .where(_owner, jobs.c.fingerprint == sa.bindparam("same"), sa.or_(_QUEUED, _RUNNING))
    .limit(1)
)
# Each is the first entry at one end of an index; the least or greatest of many could be sought among all of them.
_last_turn = sa.select(jobs.c.turn).where(_kind, _owner, _QUEUED).order_by(jobs.c.turn.desc()).limit(1)
_first_in_line = sa.select(jobs.c.turn).where(_kind, _QUEUED).order_by(jobs.c.turn).limit(1)
_last_in_work = sa.select(jobs.c.turn).where(_kind, _RUNNING).order_by(jobs.c.turn.desc()).limit(1)
_turn = sa.select(
    sa.func.coalesce(
        _last_turn.scalar_subquery() + 1,
        _first_in_line.scalar_subquery(),
        _last_in_work.scalar_subquery(),
        0,
    )
)


def submit(connection: sa.Connection, new: NewJob) -> Submitted:
    """Write the job, or find the one that stands for the same request already."""
    _take_turn(connection, new)
    twin = _of_this_key(connection, new) or _unfinished_twin(connection, new)
    if twin is not None:
        return Submitted(job_of(twin), is_new=False)
    _refuse_too_many(connection, new)
    return Submitted(job_of(insert(connection, new)), is_new=True)


def _take_turn(connection: sa.Connection, new: NewJob) -> None:
    """An owner's requests are taken on one after the other: of two alike at once, the second finds the first."""
    turns.take(connection, [new.owner])


def _refuse_too_many(connection: sa.Connection, new: NewJob) -> None:
    if not new.waiting_limit:
        return
    query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.owner == new.owner, _QUEUED)
    waiting = connection.execute(query).scalar_one()
    if waiting >= new.waiting_limit:
        raise TooManyRequests(f"{waiting} of your jobs wait already, and no more may wait at once.", 10)


def submit_apart(connection: sa.Connection, new: NewJob) -> Row:
    """Write the job even if one alike is unfinished: its work is under way already, and somebody waits for it."""
    _take_turn(connection, new)
    if _of_this_key(connection, new) is not None:
        raise Conflict("The request with this Idempotency-Key has a job already.")
    return insert(connection, new)


def insert(connection: sa.Connection, new: NewJob) -> Row:
    """Write the job with its files and first event."""
    row = _row(connection, new)
    connection.execute(_insert, row)
    if new.files or new.input_file:
        _hold(connection, row["id"], new)
    record_states(connection, [row], JobState.QUEUED)
    return row


def _hold(connection: sa.Connection, job_id: str, new: NewJob) -> None:
    """Keep the files for as long as there is the job. One may have been removed since the request named it."""
    wanted = {*new.files, *filter(None, [new.input_file])}
    query = (
        sa.select(files.c.id)
        .where(files.c.id.in_(wanted), files.c.owner == new.owner)
        .order_by(files.c.id)
        .with_for_update()
    )
    if set(connection.execute(query).scalars()) != wanted:
        raise NotFound("There is no such file.")
    connection.execute(sa.insert(job_files), [{"job": job_id, "file": file_id} for file_id in sorted(wanted)])


def _of_this_key(connection: sa.Connection, new: NewJob) -> sa.RowMapping | None:
    if new.idempotency_key is None:
        return None
    query = connection.execute(_of_key, {"of_owner": new.owner, "key": new.idempotency_key})
    row = query.mappings().first()
    if row is not None and row["fingerprint"] != new.fingerprint:
        raise IdempotencyMismatch("This Idempotency-Key was used before for a different request.")
    return row


def _unfinished_twin(connection: sa.Connection, new: NewJob) -> sa.RowMapping | None:
    # A request with a key of its own is meant as one of its own.
    if not new.fingerprint or new.idempotency_key is not None:
        return None
    return connection.execute(_twin, {"of_owner": new.owner, "same": new.fingerprint}).mappings().first()


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
        "error_kind": None,
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
        "attempts_forgiven": 0,
        "turn": _next_turn(connection, new.kind.value, new.owner),
        "lease_token": 0,
        "created_at": now(connection),
        "started_at": None,
        "finished_at": None,
    }


def _next_turn(connection: sa.Connection, kind: str, owner: str) -> int:
    """Behind the job that this transaction took on just before for this owner, if it did; else the fair turn."""
    found = turns.found(connection)
    last = found.get((kind, owner))
    turn = fair_turn(connection, kind, owner) if last is None else last + 1
    found[kind, owner] = turn
    return int(turn)


def fair_turn(connection: sa.Connection, kind: str, owner: str) -> int:
    """The owner's place by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996, with jobs for packets).

    Each job's turn follows the owner's last one that waits, but is never before the turn now being served:
    whoever comes with a thousand jobs does not push back somebody who comes later with one. An empty line
    goes on from the jobs in work, so that one of them that comes back waits behind nobody who came later.
    """
    return int(connection.execute(_turn, {"of_kind": kind, "of_owner": owner}).scalar_one())
