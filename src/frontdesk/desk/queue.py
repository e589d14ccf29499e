"""The desk: every verb that changes or reads what is owed.

A verb that changes something returns once it is on the disk, then has the engine ring. The rows are
the truth: a bell that is lost costs time, never a job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from frontdesk.desk import leasing, looking, owning, pruning
from frontdesk.desk.engine import Engine
from frontdesk.desk.job import Job, JobEvent, JobState, Lane, Lease, NewJob, Progress, Standing, Submitted
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.looking import JobFilters, Page
from frontdesk.desk.rows import find, job_of, now
from frontdesk.desk.submitting import submit
from frontdesk.errors import LeaseLost, Overloaded
from frontdesk.store.database import Database
from frontdesk.store.files import FolderFiles
from frontdesk.store.tables import jobs

__all__ = ["Desk", "JobFilters", "Page"]

_COUNT_EVERY_S = 1.0
_SWEEP_FILES_EVERY_S = 3600.0


class Desk:
    """Submit, claim, beat, settle; cancel, retry, archive, remove; look. An `owner` of None is everybody."""

    def __init__(self, database: Database, engine: Engine, limits: DeskLimits, files: FolderFiles) -> None:
        self._database, self._engine, self._limits, self._files = database, engine, limits, files
        self._waiting, self._counted_at = 0, 0.0
        self._counting = threading.Lock()
        self._swept_files_at = 0.0

    # ------------------------------------------------------------------------- taking on

    def submit(self, new: NewJob) -> Submitted:
        """A durable job for this request; the one there is already for an identical unfinished one.

        Raises IdempotencyMismatch, or Overloaded when too many jobs wait.
        """
        self._refuse_too_many()
        submitted = self._database.write(lambda c: submit(c, new))
        if submitted.is_new:
            self._engine.wake(new.kind)
            self._engine.announce([submitted.job.id])
        return submitted

    def adopt(self, new: NewJob, worker: str, lease_s: float) -> Lease:
        """A job that `worker` is doing already: submitted and claimed in one transaction."""

        def write(connection: sa.Connection) -> Lease:
            # It must be a row of its own, since an unfinished twin belongs to somebody else.
            job = submit(connection, _unique(new)).job
            row = find(connection, job.id, None)
            return leasing.lease(connection, [row], worker, lease_s)[0]

        lease = self._database.write(write)
        self._engine.announce([lease.job.id])
        return lease

    def _refuse_too_many(self) -> None:
        """Counting a long line takes a moment, so it is counted once a second and not for each submit."""
        with self._counting:
            if time.monotonic() - self._counted_at > _COUNT_EVERY_S:
                self._waiting = sum(states.get("queued", 0) for states in self._waiting_counts().values())
                self._counted_at = time.monotonic()
            self._waiting += 1
        if self._waiting > self._limits.jobs_waiting_limit:
            raise Overloaded("Too many jobs wait already; try again later.", retry_after_s=10)

    def _waiting_counts(self) -> dict[str, dict[str, int]]:
        query = (
            sa.select(jobs.c.kind, sa.func.count())
            .where(jobs.c.kind.in_(list(Lane)), jobs.c.state == JobState.QUEUED.value)
            .group_by(jobs.c.kind)
        )
        with self._database.read() as connection:
            return {kind: {"queued": number} for kind, number in connection.execute(query)}

    # ------------------------------------------------------------------------ work in hand

    def claim(self, worker: str, lanes: Sequence[Lane], limit: int) -> list[Lease]:
        """Up to `limit` queued jobs, fairly between owners, first come first served for each."""
        with self._database.read() as connection:
            query = sa.select(jobs.c.id).where(
                jobs.c.kind.in_(list(lanes)), jobs.c.state == JobState.QUEUED.value
            )
            if connection.execute(query.limit(1)).first() is None:
                return []  # and no lock was taken to find out
        # A claim that a power cut undoes is simply made again.
        leases = self._database.write(
            lambda c: leasing.claim(c, worker, lanes, limit, self._limits.lease_s), durable=False
        )
        self._announce(lease.job.id for lease in leases)
        return leases

    def beat(self, leases: Sequence[Lease]) -> set[str]:
        """Extend leases; give the ids of jobs that were cancelled or given away, whose work must end."""
        return self._database.write(lambda c: leasing.beat(c, leases, self._limits.lease_s), durable=False)

    def report(self, lease: Lease, progress: Progress) -> None:
        """Say how far it is. Raises LeaseLost."""
        if not self._database.write(lambda c: leasing.report(c, lease, progress), durable=False):
            raise LeaseLost(lease.job.id)
        self._engine.announce([lease.job.id])

    def settle(
        self, finished: Sequence[tuple[Lease, bytes, int]], failed: Sequence[tuple[Lease, str]]
    ) -> set[str]:
        """Write many outcomes at once; give the ids whose lease was lost and of which nothing was written."""
        lost = self._database.write(lambda c: leasing.settle(c, finished, failed))
        ended = [entry[0].job.id for entry in finished] + [entry[0].job.id for entry in failed]
        self._announce(job_id for job_id in ended if job_id not in lost)
        return lost

    def finish(self, lease: Lease, outputs: bytes, version: int) -> None:
        """It is done. Raises LeaseLost."""
        if self.settle([(lease, outputs, version)], []):
            raise LeaseLost(lease.job.id)

    def fail(self, lease: Lease, error: str) -> None:
        """It cannot be done; the sentence is for its owner. Raises LeaseLost."""
        if self.settle([], [(lease, error)]):
            raise LeaseLost(lease.job.id)

    def release(self, lease: Lease) -> None:
        """Give it back untried. Nothing to do where the lease is lost."""
        if self._database.write(lambda c: leasing.release(c, lease)):
            self._engine.wake(lease.job.kind)
            self._engine.announce([lease.job.id])

    def reclaim_worker(self, worker: str) -> list[str]:
        """Take back all jobs of a worker that is known to be dead, without waiting for its leases."""
        return self._reclaim(jobs.c.worker == worker)

    def _reclaim(self, which: sa.ColumnElement[bool]) -> list[str]:
        with self._database.read() as connection:
            query = sa.select(jobs.c.id).where(jobs.c.state == JobState.RUNNING.value, which)
            if connection.execute(query.limit(1)).first() is None:
                return []
        taken = self._database.write(lambda c: leasing.reclaim(c, which, self._limits.attempts_limit))
        self._announce(taken)
        for lane in Lane if taken else ():
            self._engine.wake(lane)
        return taken

    # ---------------------------------------------------------------------- its owner's verbs

    def cancel(self, job_id: str, owner: str | None) -> None:
        """End a queued or running job. Raises NotFound, Conflict."""
        self._database.write(lambda c: owning.cancel(c, job_id, owner))
        self._engine.announce([job_id])

    def retry(self, job_id: str, owner: str | None) -> None:
        """A new attempt of a failed or cancelled job. Raises NotFound, Conflict."""
        lane = self._database.write(lambda c: owning.retry(c, job_id, owner))
        self._engine.wake(lane)
        self._engine.announce([job_id])

    def archive(self, job_id: str, owner: str | None) -> None:
        """Put a finished job out of sight. Raises NotFound, Conflict."""
        self._database.write(lambda c: owning.set_archived(c, job_id, owner, True))

    def unarchive(self, job_id: str, owner: str | None) -> None:
        """Put it back in sight. Raises NotFound."""
        self._database.write(lambda c: owning.set_archived(c, job_id, owner, False))

    def remove(self, job_id: str, owner: str | None) -> None:
        """Forget a finished job and the files only it holds. Raises NotFound, Conflict."""
        self._files.discard(self._database.write(lambda c: owning.remove(c, job_id, owner)))

    # ---------------------------------------------------------------------------- looking

    def get(self, job_id: str, owner: str | None) -> Job:
        """One job. Raises NotFound."""
        with self._database.read() as connection:
            return job_of(find(connection, job_id, owner))

    def list(self, owner: str | None, filters: JobFilters, *, limit: int, cursor: str | None = None) -> Page:
        """A page of jobs, the newest first."""
        with self._database.read() as connection:
            return looking.page(connection, owner, filters, limit, cursor)

    def standing(self, job: Job) -> Standing:
        """Its place in line."""
        with self._database.read() as connection:
            return looking.standing(connection, job)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many jobs there are, by lane and state."""
        with self._database.read() as connection:
            return looking.counts(connection)

    def events(self, owner: str | None, job: str | None, *, after: int, limit: int) -> Sequence[JobEvent]:
        """Events after the one with id `after`, in order."""
        with self._database.read() as connection:
            return looking.events_after(connection, owner, job, after, limit)

    def last_event(self, owner: str | None) -> int:
        """The id of the newest event, 0 when there is none."""
        with self._database.read() as connection:
            return looking.last_event(connection, owner)

    # --------------------------------------------------------------------------- upkeep

    def sweep(self) -> None:
        """Take back expired leases, ring again for what waits, and let go of what is past its time."""
        self._reclaim(jobs.c.lease_expires_at < now())
        for lane in self._waiting_counts():
            self._engine.wake(lane)
        if self._limits.retention_days:
            self._prune(pruning.jobs_older_than(self._limits.retention_days))
            self._prune(pruning.unheld_files_older_than(self._limits.retention_days))
        if self._limits.retention_bytes:
            self._prune(pruning.jobs_beyond(self._limits.retention_bytes))
        if time.monotonic() - self._swept_files_at > _SWEEP_FILES_EVERY_S or not self._swept_files_at:
            self._swept_files_at = time.monotonic()
            self._files.sweep()

    def _prune(self, pruner: pruning.Pruner) -> None:
        # The rows go first: a crash in between leaves files without rows, which the file store sweeps.
        self._files.discard(self._database.write(pruner, durable=False))

    def _announce(self, job_ids: Iterable[str]) -> None:
        if ids := [*job_ids]:
            self._engine.announce(ids)


def _unique(new: NewJob) -> NewJob:
    return NewJob(
        owner=new.owner, kind=new.kind, task=new.task, model=new.model, version=new.version,
        payload=new.payload, title=new.title, files=new.files, input_file=new.input_file,
        idempotency_key=new.idempotency_key,
    )  # fmt: skip
