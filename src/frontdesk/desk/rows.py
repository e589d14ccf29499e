"""Between rows and records, and the one way events are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from frontdesk.desk.job import Job, JobEvent, JobState, Lane, Progress
from frontdesk.desk.telling import tell
from frontdesk.errors import NotFound
from frontdesk.store import stream
from frontdesk.store.clock import now
from frontdesk.store.tables import jobs

Row = sa.RowMapping | Mapping[str, Any]

# Written out, not bound: only so do databases see that an index of what waits serves.
WAITS = jobs.c.state == sa.literal_column(f"'{JobState.QUEUED.value}'")

# Statements of the busiest verbs are built once: building one costs as much as running it.
_job_of_id = sa.select(jobs).where(jobs.c.id == sa.bindparam("job_id"))


def job_of(row: Row) -> Job:
    """The record of a row of `jobs`."""
    return Job(
        id=row["id"],
        owner=row["owner"],
        kind=Lane(row["kind"]),
        task=row["task"],
        model=row["model"],
        version=row["version"],
        state=JobState(row["state"]),
        payload=row["payload"],
        outputs=row["outputs"],
        error=row["error"],
        error_kind=row["error_kind"],
        progress=Progress(
            done=row["progress_done"], total=row["progress_total"], message=row["progress_message"]
        ),
        metrics=row["metrics"],
        attempts=row["attempts"],
        archived=row["archived"],
        title=row["title"],
        input_file=row["input_file"],
        result_file=row["result_file"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


def find(
    connection: sa.Connection, job_id: str, owner: str | None, *, to_change: bool = False
) -> sa.RowMapping:
    """The row of this owner's job (of anybody's, for None). Somebody else's is not found."""
    query = _job_of_id.with_for_update() if to_change else _job_of_id
    row = connection.execute(query, {"job_id": job_id}).mappings().first()
    if row is None or owner not in (None, row["owner"]):
        raise NotFound("There is no such job.")
    return row


def event_of(row: sa.RowMapping) -> JobEvent:
    """The record of a row of `events`."""
    return JobEvent(**row)


def record(connection: sa.Connection, changed: Iterable[Row], event: str, data: Mapping[str, Any]) -> None:
    """Write down what happened to these jobs (rows with id and owner), in the transaction that did it."""
    at = now(connection)
    rows = [
        {"job": row["id"], "owner": row["owner"], "event": event, "data": data, "at": at} for row in changed
    ]
    if rows:
        stream.append(connection, rows)


def record_states(
    connection: sa.Connection, changed: Iterable[Row], state: JobState, error: str | None = None
) -> None:
    """Write down that these jobs are now in `state`, and whom to tell of it.

    `changed` are rows with id and owner; where the state is an end, with kind, task and title besides.
    """
    rows = list(changed)
    data = {"state": state.value} if error is None else {"state": state.value, "error": error}
    record(connection, rows, "state", data)
    if rows and state.is_final:
        tell(connection, rows, state, error)
