"""Whatever is done in whatever order, the desk does what a model of forty lines does."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from frontdesk.desk.job import FINAL_STATES, Failure, JobState, Lease
from frontdesk.desk.queue import JobFilters
from frontdesk.errors import Conflict, FrontdeskError, IdempotencyMismatch, LeaseLost, NotFound
from support.desk_jobs import new_job
from support.desks import Office, open_office

OWNERS = ("alice", "bob")
ATTEMPTS = 2
LEGAL_MOVES = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "queued"),
    ("failed", "queued"),
    ("cancelled", "queued"),
}


@dataclass
class Known:
    """What the model knows of a job. `lease` is the one that counts; `tries` are those since the last retry."""

    owner: str
    fingerprint: str
    key: str | None
    state: JobState = JobState.QUEUED
    lease: Lease | None = None
    worker: str = ""
    tries: int = 0
    attempts: int = 0
    archived: bool = False
    outputs: bytes | None = None
    history: list[str] = field(default_factory=lambda: ["queued"])

    def move(self, state: JobState) -> None:
        self.state = state
        self.history.append(state.value)
        if state is not JobState.RUNNING:
            self.lease = None


class DeskMachine(RuleBasedStateMachine):
    """Owners, workers, and a sweeper at one desk."""

    template: Path

    tickets = Bundle("tickets")
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a folder: these rules never cut the power.
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.closing = ExitStack()
        self.office: Office = self.closing.enter_context(
            open_office(self.folder / "office", self.template, attempts_limit=ATTEMPTS)
        )
        self.desk = self.office.desk
        self.known: dict[str, Known] = {}

    def teardown(self) -> None:
        self.closing.close()
        shutil.rmtree(self.folder)

    @initialize(target=tickets)
    def begin(self) -> str:
        return self.submit("alice", "", None)

    # ------------------------------------------------------------------------------- owners

    @rule(
        target=tickets,
        owner=st.sampled_from(OWNERS),
        fingerprint=st.sampled_from(["", "f", "g"]),
        key=st.sampled_from([None, None, "k"]),
    )
    def submit(self, owner: str, fingerprint: str, key: str | None) -> str:
        of_key = [i for i, known in self.known.items() if key and (known.owner, known.key) == (owner, key)]
        twins = [
            i
            for i, known in self.known.items()
            if not key and fingerprint and (known.owner, known.fingerprint) == (owner, fingerprint)
            and known.state not in FINAL_STATES
        ]  # fmt: skip
        new = new_job(owner, fingerprint, idempotency_key=key)
        if of_key and self.known[of_key[0]].fingerprint != fingerprint:
            with pytest.raises(IdempotencyMismatch):
                self.desk.submit(new)
            return of_key[0]
        submitted = self.desk.submit(new)
        expected = of_key or twins
        assert submitted.is_new == (not expected)
        if expected:
            assert submitted.job.id in expected
        else:
            self.known[submitted.job.id] = Known(owner, fingerprint, key)
        return submitted.job.id

    def _as_owner(self, verb: Any, ticket: str, owner: str, allowed: set[JobState]) -> bool:
        """Do it, and see it refused exactly where it must be."""
        known = self.known.get(ticket)
        refusal: type[FrontdeskError] | None = None
        if known is None or known.owner != owner:
            refusal = NotFound
        elif known.state not in allowed:
            refusal = Conflict
        if refusal is not None:
            with pytest.raises(refusal):
                verb(ticket, owner)
            return False
        verb(ticket, owner)
        return True

    @rule(ticket=tickets, owner=st.sampled_from(OWNERS))
    def cancel(self, ticket: str, owner: str) -> None:
        if self._as_owner(self.desk.cancel, ticket, owner, {JobState.QUEUED, JobState.RUNNING}):
            self.known[ticket].move(JobState.CANCELLED)

    @rule(ticket=tickets, owner=st.sampled_from(OWNERS))
    def retry(self, ticket: str, owner: str) -> None:
        if self._as_owner(self.desk.retry, ticket, owner, {JobState.FAILED, JobState.CANCELLED}):
            self.known[ticket].move(JobState.QUEUED)
            self.known[ticket].tries, self.known[ticket].archived = 0, False

    @rule(ticket=tickets, owner=st.sampled_from(OWNERS), archived=st.booleans())
    def archive(self, ticket: str, owner: str, archived: bool) -> None:
        verb = self.desk.archive if archived else self.desk.unarchive
        if self._as_owner(verb, ticket, owner, set(FINAL_STATES) if archived else set(JobState)):
            self.known[ticket].archived = archived

    @rule(ticket=tickets, owner=st.sampled_from(OWNERS))
    def remove(self, ticket: str, owner: str) -> None:
        if self._as_owner(self.desk.remove, ticket, owner, set(FINAL_STATES)):
            del self.known[ticket]

    # ------------------------------------------------------------------------------ workers

    @rule(target=leases, worker=st.sampled_from(["w", "v"]), limit=st.integers(1, 4))
    def claim(self, worker: str, limit: int) -> Any:
        waiting = [ticket for ticket, known in self.known.items() if known.state is JobState.QUEUED]
        leases = self.office.claim(limit, worker)
        assert len(leases) == min(limit, len(waiting))
        for lease in leases:
            known = self.known[lease.job.id]
            assert known.state is JobState.QUEUED
            known.move(JobState.RUNNING)
            known.lease, known.worker = lease, worker
            known.tries, known.attempts = known.tries + 1, known.attempts + 1
        return multiple(*leases)

    def _holds(self, lease: Lease) -> bool:
        known = self.known.get(lease.job.id)
        return known is not None and known.lease == lease

    @rule(lease=leases)
    def beat(self, lease: Lease) -> None:
        assert self.desk.beat([lease]) == (set() if self._holds(lease) else {lease.job.id})

    @rule(lease=leases, answer=st.binary(max_size=3))
    def finish(self, lease: Lease, answer: bytes) -> None:
        if not self._holds(lease):
            with pytest.raises(LeaseLost):
                self.desk.finish(lease, answer, 1)
            return
        self.desk.finish(lease, answer, 1)
        self.known[lease.job.id].move(JobState.SUCCEEDED)
        self.known[lease.job.id].outputs = answer

    @rule(lease=leases)
    def fail(self, lease: Lease) -> None:
        if not self._holds(lease):
            with pytest.raises(LeaseLost):
                self.desk.fail(lease, Failure("no"))
            return
        self.desk.fail(lease, Failure("no"))
        self.known[lease.job.id].move(JobState.FAILED)

    @rule(lease=consumes(leases))
    def release(self, lease: Lease) -> None:
        holds = self._holds(lease)
        self.desk.release(lease)
        if holds:
            known = self.known[lease.job.id]
            known.move(JobState.QUEUED)
            known.tries, known.attempts = known.tries - 1, known.attempts - 1

    @rule(worker=st.sampled_from(["w", "v"]))
    def die(self, worker: str) -> None:
        held = {i for i, k in self.known.items() if k.state is JobState.RUNNING and k.worker == worker}
        assert set(self.desk.reclaim_worker(worker)) == held
        for ticket in held:
            known = self.known[ticket]
            known.move(JobState.FAILED if known.tries >= ATTEMPTS else JobState.QUEUED)

    @rule(target=leases, worker=st.sampled_from(["w", "v"]))
    def die_and_be_replaced(self, worker: str) -> Any:
        self.die(worker)
        return self.claim(worker, 4)

    @rule()
    def sweep(self) -> None:
        """Changes nothing here: no lease has run out, nothing is old."""
        self.desk.sweep()

    # ------------------------------------------------------------------------------- always

    @invariant()
    def the_desk_is_as_the_model_says(self) -> None:
        shown = {job.id: job for job in self.desk.list(None, JobFilters(), limit=1000).items}
        told = defaultdict(list)
        for event in self.desk.events(None, None, after=0, limit=10_000):
            told[event.job].append(event.data["state"])
        assert shown.keys() == self.known.keys() == told.keys()
        for ticket, known in self.known.items():
            job = shown[ticket]
            assert (job.owner, job.state, job.attempts) == (known.owner, known.state, known.attempts)
            assert (job.archived, job.outputs) == (known.archived, known.outputs)
            assert (job.finished_at is not None) == (job.state in FINAL_STATES)
            assert told[ticket] == known.history
            assert set(pairwise(told[ticket])) <= LEGAL_MOVES
        assert self.desk.counts()["predict"] == Counter(known.state.value for known in self.known.values())
        waiting = [job for job in shown.values() if job.state is JobState.QUEUED]
        places = sorted(standing.position for standing in self.desk.standings(waiting).values())
        assert places == list(range(1, len(waiting) + 1))


def test_the_desk_agrees_with_its_model(empty_database: Path) -> None:
    machine = type("Machine", (DeskMachine,), {"template": empty_database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
