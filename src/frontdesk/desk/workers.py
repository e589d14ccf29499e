"""Who works: each worker says every few seconds that it is there, and hears what an administrator wants of it.

    starts ──> working <──resume── paused
                  └──drain──> draining ──┘        and from each: ends, or is lost

A row is news, not truth: what a worker may write is decided by its leases alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.job import JobState, Lane, Progress
from frontdesk.errors import NotFound
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.tables import jobs, workers

_LOST_IS_SHOWN_FOR = timedelta(minutes=15)
_MOST_SHOWN = 500


class WorkerState(StrEnum):
    """What a worker does. LOST is what others say of one that has not been heard of."""

    WORKING = "working"
    DRAINING = "draining"
    PAUSED = "paused"
    LOST = "lost"


class Wish(StrEnum):
    """What a worker is to do: take jobs; end what it holds and wait; or end what it holds and then itself."""

    WORK = "work"
    PAUSE = "pause"
    LEAVE = "leave"


class Introduction(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of itself. `lanes` has how many jobs it does at once; `tasks` None is all."""

    name: str
    machine: str
    frontdesk_version: str
    lanes: Mapping[Lane, int]
    tasks: tuple[str, ...] | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A job in a worker's hands."""

    id: str
    kind: Lane
    task: str
    title: str
    started_at: datetime
    progress: Progress


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table `workers`, how long it was not heard of, and the jobs in its hands."""

    name: str
    machine: str
    frontdesk_version: str
    lanes: Mapping[Lane, int]
    tasks: tuple[str, ...] | None
    started_at: datetime
    seen_at: datetime
    state: WorkerState
    wish: Wish
    silent_s: float
    holds: tuple[Held, ...] = ()


class Workers:
    """The workers of an installation. One that was not heard of for `lost_after_s` is lost."""

    def __init__(self, database: Database, lost_after_s: float) -> None:
        self._database, self._lost_after = database, timedelta(seconds=lost_after_s)

    # ---------------------------------------------------------------------- the worker's verbs

    def arrive(self, who: Introduction) -> None:
        """It is there, and takes jobs. Whatever was wished of an earlier one of its name is forgotten."""

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(workers).where(workers.c.name == who.name))
            connection.execute(sa.insert(workers).values(_row(who, WorkerState.WORKING, now(connection))))

        self._database.write(write, durable=False)

    def beat(self, who: Introduction, state: WorkerState) -> Wish:
        """It still is, and this is what it does; give what it is to do."""

        def write(connection: sa.Connection) -> Wish:
            mine = workers.c.name == who.name
            known = connection.execute(sa.select(workers.c.wish).where(mine).with_for_update()).scalar()
            if known is None:  # it was away for so long that it was forgotten
                connection.execute(sa.insert(workers).values(_row(who, state, now(connection))))
                return Wish.WORK
            connection.execute(
                sa.update(workers).where(mine).values(seen_at=now(connection), state=state.value)
            )
            return Wish(known)

        return self._database.write(write, durable=False)

    def depart(self, name: str) -> None:
        """It ends."""
        self._database.write(
            lambda c: c.execute(sa.delete(workers).where(workers.c.name == name)), durable=False
        )

    # --------------------------------------------------------------------- administrators' verbs

    def wish(self, name: str, wish: Wish) -> None:
        """Have it do this, as soon as it looks. Raises NotFound."""

        def write(connection: sa.Connection) -> None:
            known = sa.select(workers.c.name).where(workers.c.name == name).with_for_update()
            if connection.execute(known).first() is None:
                raise NotFound("There is no such worker.")
            connection.execute(sa.update(workers).where(workers.c.name == name).values(wish=wish.value))

        self._database.write(write)

    def get(self, name: str) -> WorkerRecord:
        """One worker. Raises NotFound."""
        found = self._select(workers.c.name == name)
        if not found:
            raise NotFound("There is no such worker.")
        return found[0]

    def list(self) -> Sequence[WorkerRecord]:
        """All that work, and those that were lost lately; the oldest first."""
        return self._select(sa.true())

    def _select(self, which: sa.ColumnElement[bool]) -> Sequence[WorkerRecord]:
        query = (
            sa.select(workers).where(which).order_by(workers.c.started_at, workers.c.name).limit(_MOST_SHOWN)
        )
        with self._database.read() as connection:
            found = connection.execute(query).mappings().all()
            held = _in_hand(connection, [row["name"] for row in found])
            at = now(connection)
        return [self._record(row, held.get(row["name"], ()), at) for row in found]

    def _record(self, row: sa.RowMapping, held: Sequence[Held], at: datetime) -> WorkerRecord:
        silent = at - row["seen_at"]
        return WorkerRecord(
            name=row["name"],
            machine=row["machine"],
            frontdesk_version=row["frontdesk_version"],
            lanes={Lane(lane): number for lane, number in row["lanes"].items()},
            tasks=None if row["tasks"] is None else tuple(row["tasks"]),
            started_at=row["started_at"],
            seen_at=row["seen_at"],
            state=WorkerState.LOST if silent > self._lost_after else WorkerState(row["state"]),
            wish=Wish(row["wish"]),
            silent_s=max(silent.total_seconds(), 0.0),
            holds=tuple(held),
        )

    # --------------------------------------------------------------------------------- upkeep

    def sweep(self) -> None:
        """Forget those that were lost a while ago."""
        with self._database.read() as connection:
            old = workers.c.seen_at < now(connection) - self._lost_after - _LOST_IS_SHOWN_FOR
            if connection.execute(sa.select(workers.c.name).where(old).limit(1)).first() is None:
                return
        self._database.write(lambda c: c.execute(sa.delete(workers).where(old)), durable=False)


def _row(who: Introduction, state: WorkerState, at: datetime) -> dict[str, Any]:
    return {
        "name": who.name,
        "machine": who.machine,
        "frontdesk_version": who.frontdesk_version,
        "lanes": {lane.value: number for lane, number in who.lanes.items()},
        "tasks": None if who.tasks is None else [*who.tasks],
        "started_at": at,
        "seen_at": at,
        "state": state.value,
        "wish": Wish.WORK.value,
    }


_SHOWN = (
    jobs.c.worker, jobs.c.id, jobs.c.kind, jobs.c.task, jobs.c.title, jobs.c.started_at,
    jobs.c.progress_done, jobs.c.progress_total, jobs.c.progress_message,
)  # fmt: skip


def _in_hand(connection: sa.Connection, names: Sequence[str]) -> dict[str, list[Held]]:
    """The running jobs of these workers, by worker."""
    query = (
        sa.select(*_SHOWN)
        .where(
            jobs.c.kind.in_([lane.value for lane in Lane]),  # so that the index on lanes and states serves
            jobs.c.state == JobState.RUNNING.value,
            jobs.c.worker.in_(names),
        )
        .order_by(jobs.c.started_at)
        .limit(_MOST_SHOWN)
    )
    found: dict[str, list[Held]] = {}
    for row in connection.execute(query) if names else ():
        found.setdefault(row.worker, []).append(_held(row))
    return found


def _held(row: Any) -> Held:
    progress = Progress(done=row.progress_done, total=row.progress_total, message=row.progress_message)
    return Held(
        id=row.id, kind=Lane(row.kind), task=row.task, title=row.title, started_at=row.started_at,
        progress=progress,
    )  # fmt: skip
