"""Result files: what a job made, whole or as far as it came."""

from __future__ import annotations

import sqlalchemy as sa

from frontdesk.desk.job import JobState, Lease
from frontdesk.desk.leasing import of_this_attempt
from frontdesk.desk.pruning import remove_uploads
from frontdesk.errors import LeaseLost
from frontdesk.store.tables import job_files, jobs


def attach(connection: sa.Connection, lease: Lease, file_id: str, outputs: bytes | None) -> list[str]:
    """Make this file the job's result; give the ids of files that nobody holds any more.

    `outputs` are those of a part of the work; those of the whole come when the job is settled.
    A job that has just failed or was cancelled takes one too: what there is of its work. Raises LeaseLost where
    another attempt was begun meanwhile.
    """
    may = of_this_attempt(lease, JobState.RUNNING, JobState.FAILED)
    row = connection.execute(sa.select(jobs.c.result_file).where(may).with_for_update()).first()
    if row is None:
        raise LeaseLost(lease.job.id)
    connection.execute(
        sa.update(jobs).where(jobs.c.id == lease.job.id).values(result_file=file_id, outputs=outputs)
    )
    connection.execute(sa.insert(job_files).values(job=lease.job.id, file=file_id))
    if row.result_file is None:
        return []
    connection.execute(
        sa.delete(job_files).where(job_files.c.job == lease.job.id, job_files.c.file == row.result_file)
    )
    return remove_uploads(
        connection, [row.result_file]
    )  # unless another job learns from it, or asks about it
