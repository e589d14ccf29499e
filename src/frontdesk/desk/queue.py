"""The desk: every verb that changes or reads what is owed.

A verb that changes something returns once it is on the disk, then has the engine ring. The rows are
the truth: a bell that is lost costs time, never a job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa

from frontdesk.desk import leasing, listing, looking, owning, records, results, submitting
from frontdesk.desk.counting import Counts
from frontdesk.desk.engine import Engine
from frontdesk.desk.errands import errand, errand_in, waiting
from frontdesk.desk.job import (
    Failure,
    Job,
    JobEvent,
    JobState,
    Lane,
    Lease,
    NewJob,
    Progress,
    Queue,
    Standing,
    Submitted,
)
from frontdesk.desk.leavings import Leavings
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.listing import JobFilters, JobSort, Page
from frontdesk.desk.rows import find, job_of
from frontdesk.desk.training import Told
from frontdesk.desk.transcripts import Transcripts
from frontdesk.errors import LeaseLost, Overloaded
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from frontdesk.store.tables import jobs

__all__ = ["Desk", "JobFilters", "JobSort", "Page"]


class Desk:
    """Submit, claim, beat, settle; cancel, retry, archive, remove; look. An `owner` of None is everybody."""

    def __init__(self, database: Database, engine: Engine, limits: DeskLimits, files: StoredFiles) -> None:
        self._database, self._engine, self._limits, self._files = database, engine, limits, files
        self._counts = Counts(database)
        self.transcripts = Transcripts(database, engine)
        self._sweeping = threading.Lock()
        self._leavings = Leavings(database, files, limits)

    # ------------------------------------------------------------------------- taking on

    def submit(self, new: NewJob) -> Submitted:
        """A durable job for this request; the one there is already for an identical unfinished one.

        Raises IdempotencyMismatch, NotFound (a file), or Overloaded when too many jobs wait.
        """
        if self._counts.one_more_waits() > self._limits.jobs_waiting_limit:
            raise Overloaded("Too many jobs wait already; try again later.", retry_after_s=10)
        submitted = self._database.write(lambda c: submitting.submit(c, new), turn=new.owner)
        if submitted.is_new:
            self._engine.wake([errand(submitted.job)])
            self._engine.announce([submitted.job.id])
        return submitted

    def adopt(self, new: NewJob, worker: str, lease_s: float) -> Lease:
        """A job that `worker` is doing already: submitted and claimed in one transaction.

        Raises Conflict when its Idempotency-Key has a job already, NotFound (a file).
        """

        def write(connection: sa.Connection) -> Lease:
            row = submitting.submit_apart(connection, new)
            return leasing.lease(connection, [row], worker, lease_s)[0]

        lease = self._database.write(write, turn=new.owner)
        self._engine.announce([lease.job.id])
        return lease

    # ------------------------------------------------------------------------ work in hand

    def claim(self, worker: str, room: Mapping[Lane, int], tasks: Sequence[str] | None = None) -> list[Lease]:
        """Up to so many queued jobs of each lane, fairly between owners, first come first served for each.

        Where tasks are named, only jobs of these are given.
        """
        with self._database.read() as connection:
            at_work = {
                lane: room[lane] for lane in looking.lanes_with_work(connection, tasks) if lane in room
            }
        if not at_work:
            return []  # and no lock was taken to find out
        # A claim that a power cut undoes is simply made again, hence not durable.
        leases = self._database.write(
            lambda c: leasing.claim(c, worker, at_work, self._limits.lease_s, tasks), durable=False
        )
        if leases:
            self._engine.taken([errand(lease.job) for lease in leases])
            self._engine.announce([lease.job.id for lease in leases])
        return leases

    def beat(self, leases: Sequence[Lease]) -> set[str]:
        """Extend leases; give the ids of jobs that were cancelled or given away, whose work must end."""
        return self._database.write(lambda c: leasing.beat(c, leases, self._limits.lease_s), durable=False)

    def report(
        self, lease: Lease, progress: Progress | None = None, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Say how far it is, and what was measured (which adds to what was before). Raises LeaseLost."""
        if not self._database.write(
            lambda c: leasing.report(c, lease, progress, metrics or {}), durable=False
        ):
            raise LeaseLost(lease.job.id)
        self._engine.announce([lease.job.id])

    def tell(self, lease: Lease, told: Told) -> None:
        """Write down what a training said. A power cut may undo the last of it. Raises LeaseLost."""
        if not self._database.write(lambda c: records.tell(c, lease, told), durable=False):
            raise LeaseLost(lease.job.id)
        self._engine.announce([lease.job.id])

    def settle(
        self, finished: Sequence[tuple[Lease, bytes, int]], failed: Sequence[tuple[Lease, Failure]]
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

    def fail(self, lease: Lease, failure: Failure) -> None:
        """It cannot be done. Raises LeaseLost."""
        if self.settle([], [(lease, failure)]):
            raise LeaseLost(lease.job.id)

    def attach(self, lease: Lease, file_id: str, outputs: bytes | None = None) -> None:
        """Make this file the job's result, or what there is of it, which `outputs` tells of. Raises LeaseLost."""
        self._files.discard(self._database.write(lambda c: results.attach(c, lease, file_id, outputs)))

    def fence(self, lease: Lease) -> Callable[[sa.Connection], None]:
        """What raises LeaseLost in a transaction that ends up after the lease: for what is written elsewhere."""
        return lambda connection: leasing.fence(connection, lease)

    def release(self, lease: Lease) -> None:
        """Give it back untried. Nothing to do where the lease is lost."""
        if self._database.write(lambda c: leasing.release(c, lease)):
            self._engine.wake([errand(lease.job)])
            self._engine.announce([lease.job.id])

    def reclaim_worker(self, worker: str) -> list[str]:
        """Take back all jobs of a worker that is known to be dead, without waiting for its leases."""
        return self._reclaim(lambda _: jobs.c.worker == worker)

    def reclaim_place(self, place: str) -> list[str]:
        """Take back all jobs of the workers that are named after a place where none is alive."""
        return self._reclaim(lambda _: jobs.c.worker.endswith(f"-{place}", autoescape=True))

    def _reclaim(self, which: leasing.Which) -> list[str]:
        with self._database.read() as connection:
            if not leasing.is_any_in_work(connection, which(connection)):
                return []
        limit = self._limits.attempts_limit
        again, spent = self._database.write(lambda c: leasing.reclaim(c, which(c), limit))
        taken = [row["id"] for row in (*again, *spent)]
        if again:
            self._engine.wake([errand_in(row) for row in again])
        self._announce(taken)
        return taken

    # ---------------------------------------------------------------------- its owner's verbs

    def cancel(self, job_id: str, owner: str | None) -> None:
        """End a queued or running job. Raises NotFound, Conflict."""
        row = self._database.write(lambda c: owning.cancel(c, job_id, owner))
        if row["state"] == JobState.QUEUED:
            self._engine.taken([errand_in(row)])
        self._engine.announce([job_id])

    def retry(self, job_id: str, owner: str | None) -> None:
        """A new attempt of a failed or cancelled job. Raises NotFound, Conflict."""
        row = self._database.write(lambda c: owning.retry(c, job_id, owner))
        self._engine.wake([errand_in(row)])
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

    def list(
        self,
        owner: str | None,
        filters: JobFilters,
        *,
        limit: int,
        cursor: str | None = None,
        sort: JobSort = JobSort.NEWEST,
    ) -> Page:
        """A page of jobs."""
        with self._database.read() as connection:
            return listing.page(connection, owner, filters, limit, cursor, sort)

    def input_sizes(self, found: Sequence[Job]) -> Mapping[str, int]:
        """The bytes of the input files of these jobs, by file."""
        with self._database.read() as connection:
            return listing.sizes(connection, found)

    def files_asked_with(self, job: Job) -> tuple[str, ...]:
        """The files a job was made from: all it holds but its result."""
        with self._database.read() as connection:
            return listing.files_asked_with(connection, job)

    def standing(self, job: Job) -> Standing:
        """The place in line of a job that waits."""
        with self._database.read() as connection:
            return looking.standing(connection, job)

    def standings(self, waiting: Iterable[Job]) -> Mapping[str, Standing]:
        """The places in line of a page of jobs that wait, by id."""
        with self._database.read() as connection:
            return looking.standings(connection, waiting)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many jobs there are, by lane and state. Those that are over may lag by seconds when they are many."""
        return self._counts.by_lane()

    def queues(self) -> Sequence[Queue]:
        """What waits, by lane and task; it may lag by seconds when much waits."""
        return self._counts.queues()

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
        with self._sweeping:
            self._reclaim(lambda c: jobs.c.lease_expires_at < now(c))
            with self._database.read() as connection:
                lanes = looking.lanes_with_work(connection)
            if lanes:
                self._engine.remind(lanes, waiting(self._database))
            self._leavings.let_go()

    def _announce(self, job_ids: Iterable[str]) -> None:
        if ids := [*job_ids]:
            self._engine.announce(ids)
