"""What an owner may do with a job: cancel, retry, archive, remove. Each is a compare-and-set on its state."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from frontdesk.desk.job import FINAL_STATES, RETRYABLE_STATES, JobState
from frontdesk.desk.rows import Row, find, record_states
from frontdesk.desk.submitting import fair_turn
from frontdesk.errors import Conflict
from frontdesk.store.clock import now
from frontdesk.store.tables import events, files, job_files, jobs, run_records, versions
from frontdesk.store.telling_tables import notices


def cancel(connection: sa.Connection, job_id: str, owner: str | None) -> Row:
    """End it where it stands; give it as it was. A worker that has it is fenced off, and ends the work."""
    row = find(connection, job_id, owner, to_change=True)
    state = JobState(row["state"])
    if state in FINAL_STATES:
        raise Conflict(f"The job is {state} already and cannot be cancelled.")
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id)
        .values(
            state=JobState.CANCELLED.value,
            lease_token=jobs.c.lease_token + 1,
            lease_expires_at=None,
            worker=None,
            finished_at=now(connection),
        )
    )
    record_states(connection, [row], JobState.CANCELLED)
    return row


def retry(connection: sa.Connection, job_id: str, owner: str | None) -> Row:
    """Put a failed or cancelled job back in line, with all its attempts and in sight; give it as it was."""
    row = find(connection, job_id, owner, to_change=True)
    state = JobState(row["state"])
    if state not in RETRYABLE_STATES:
        raise Conflict(f"The job is {state}; only a failed or cancelled one can be retried.")
    connection.execute(
        sa.update(jobs)
        .where(jobs.c.id == job_id)
        .values(
            state=JobState.QUEUED.value,
            attempts_forgiven=jobs.c.attempts,
            turn=fair_turn(connection, row["kind"], row["owner"]),
            archived=False,
            outputs=None,
            error=None,
            error_kind=None,
            metrics={},
            progress_done=0,
            progress_total=0,
            progress_message="",
            started_at=None,
            finished_at=None,
        )
    )
    record_states(connection, [row], JobState.QUEUED)
    return row


def set_archived(connection: sa.Connection, job_id: str, owner: str | None, archived: bool) -> None:
    """Put a finished job out of sight, or back."""
    row = find(connection, job_id, owner, to_change=True)
    if archived and JobState(row["state"]) not in FINAL_STATES:
        raise Conflict(f"The job is {row['state']}; only one that is over can be archived.")
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(archived=archived))


def remove(connection: sa.Connection, job_id: str, owner: str | None) -> list[str]:
    """Forget a finished job; give the ids of files that went with it."""
    row = find(connection, job_id, owner, to_change=True)
    if JobState(row["state"]) not in FINAL_STATES:
        raise Conflict(f"The job is {row['state']}; cancel it before you remove it.")
    return remove_rows(connection, [job_id])


def remove_rows(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Delete jobs with all they have. A file goes with the last job that holds it; the ids of those are given."""
    held = set(connection.execute(sa.select(job_files.c.file).where(job_files.c.job.in_(ids))).scalars())
    if held:  # of two jobs with one file that go at once, the second must see that it is the last
        query = sa.select(files.c.id).where(files.c.id.in_(held)).order_by(files.c.id).with_for_update()
        connection.execute(query).all()
    for table, column in (
        (job_files, job_files.c.job),
        (events, events.c.job),
        (notices, notices.c.job),
        (jobs, jobs.c.id),
    ):
        connection.execute(sa.delete(table).where(column.in_(ids)))
    # What a training told stays for as long as there is the version that came of it.
    made_one = sa.exists().where(versions.c.job == run_records.c.job)
    connection.execute(sa.delete(run_records).where(run_records.c.job.in_(ids), ~made_one))
    if not held:
        return []
    still = set(connection.execute(sa.select(job_files.c.file).where(job_files.c.file.in_(held))).scalars())
    gone = sorted(held - still)
    if gone:
        connection.execute(sa.delete(files).where(files.c.id.in_(gone)))
    return gone
