"""Versions of models: rows that say which there are and which is live, each with a folder of weights (`artifacts`).

A version is complete or it is not there. Its files are put in place first, under the id its row will have,
and the row follows; a crash between the two leaves files that no row names, and those are removed when
they are a day old and the model gets another version.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.catalog import profile_rows
from frontdesk.catalog.artifacts import Artifacts
from frontdesk.catalog.version import Origin, Placed, VersionRecord, held_in, key_of, placed_in
from frontdesk.errors import Conflict, LeaseLost, NotFound, StoreUnavailable
from frontdesk.store import turns
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.tables import jobs, run_records
from frontdesk.store.tables import versions as table

_ATTEMPTS = 5

Fence = Callable[[sa.Connection], None]
"""Looks, in the transaction of a write, whether whoever writes still may. Raises LeaseLost."""


class Versions:
    """The versions of every model of an installation."""

    def __init__(self, database: Database, artifacts: Artifacts) -> None:
        self._database, self._artifacts = database, artifacts

    def live(self, task: str, model: str) -> VersionRecord | None:
        """The version that answers when none is asked for by number."""
        return self._one(_of(task, model), table.c.is_live)

    def get(self, task: str, model: str, number: int) -> VersionRecord | None:
        """One version by number."""
        return self._one(_of(task, model), table.c.number == number)

    def list(self, task: str, model: str) -> list[VersionRecord]:
        """All of a model, the newest first."""
        query = sa.select(table).where(_of(task, model)).order_by(table.c.number.desc())
        with self._database.read() as connection:
            return [self._record(row) for row in connection.execute(query)]

    def place(self, task: str, model: str, staged: Path) -> Placed:
        """Put the files in `staged` where a version's are; the folder is gone afterwards. Raises StoreUnavailable."""
        return placed_in(self._artifacts, task, model, staged)

    def add(
        self,
        task: str,
        model: str,
        staged: Path | Placed,
        metrics: Mapping[str, Any],
        parameters: Mapping[str, Any],
        *,
        live: bool = True,
        origin: Origin | None = None,
        job: str | None = None,
        once: str | None = None,
        fence: Fence = lambda connection: None,
        profile: bytes = b"",
    ) -> VersionRecord:
        """Make a version of the files in `staged`, a folder that is gone afterwards, or of those that are placed.

        Where there is a version made under the same `once`, that one is given and no other is made.
        With `live` it answers from now on; the first version does so anyway, unless it was cancelled.
        Where `fence` raises LeaseLost, nothing is left of it. `profile` is that of what it learned from.
        """
        self._remove_left_behind(task, model, staged.id if isinstance(staged, Placed) else "")
        placed = self.place(task, model, staged) if isinstance(staged, Path) else staged
        origin = msgspec.structs.replace(
            origin or Origin(), size_bytes=placed.size_bytes, archive=placed.archive
        )
        values = {
            "id": placed.id,
            "task": task,
            "model": model,
            "metrics": dict(metrics),
            "parameters": dict(parameters),
            "is_live": False,
            "job": job,
            "once": once,
            "origin": msgspec.to_builtins(origin),
        }
        try:
            return self._record_once(values, live, fence, profile)
        except LeaseLost:
            with contextlib.suppress(StoreUnavailable):
                if self._one(table.c.id == placed.id) is None:  # a try whose answer was lost may have made it
                    self._artifacts.remove(key_of(task, model, placed.id))
            raise

    def _record_once(self, row: Mapping[str, Any], live: bool, fence: Fence, profile: bytes) -> VersionRecord:
        task, model, once = row["task"], row["model"], row["once"]

        def write(connection: sa.Connection) -> int:
            fence(connection)
            return _insert(connection, row, live, profile)

        for _ in range(_ATTEMPTS):
            with contextlib.suppress(sa.exc.IntegrityError):  # another process took the number meanwhile
                version = self.get(task, model, self._database.write(write))
                assert version is not None
                return version
            if once is not None and (version := self.made_once(once)) is not None:
                return version
        raise RuntimeError(f"No number could be had for a version of {model} of {task}.")

    def hold(self, version: VersionRecord) -> AbstractContextManager[Path]:
        """Its files here until the block ends, not to be changed. Raises StoreUnavailable, FileDamaged."""
        return held_in(self._artifacts, version)

    def made_once(self, once: str) -> VersionRecord | None:
        """The version that was made under this name, if there is one."""
        return self._one(table.c.once == once)

    def of_job(self, job: str) -> VersionRecord | None:
        """The newest version this job made, if it made one."""
        return self._one(table.c.job == job)

    def remove(self, task: str, model: str, number: int) -> None:
        """Delete a version with its weights and curves. Raises NotFound; Conflict for the one that is live."""
        version = self.get(task, model, number)
        if version is None:
            raise NotFound(f"{model} of {task} has no version {number}.")

        def write(connection: sa.Connection) -> None:
            turns.take(connection, [_name(task, model)])
            is_it = sa.and_(_of(task, model), table.c.number == number, ~table.c.is_live)
            gone = sa.update(table).where(is_it).values(removed=True, once=None, job=None)
            if connection.execute(gone).rowcount == 0:
                raise Conflict(f"Version {number} is live; make another one live before you delete it.")
            profile_rows.remove(connection, task, model, number)
            # Its curves stay for as long as there is its job, or another version of it.
            is_needed = sa.or_(
                sa.exists().where(jobs.c.id == version.job), sa.exists().where(table.c.job == version.job)
            )
            connection.execute(sa.delete(run_records).where(run_records.c.job == version.job, ~is_needed))

        self._database.write(write)
        # A crash before the next line leaves files that no row names; see above.
        with contextlib.suppress(StoreUnavailable):
            self._artifacts.remove(key_of(task, model, version.id))

    def make_live(
        self, task: str, model: str, number: int, fence: Fence = lambda connection: None
    ) -> VersionRecord:
        """Let this version answer from now on, unless `fence` raises LeaseLost."""

        def write(connection: sa.Connection) -> None:
            fence(connection)
            turns.take(connection, [_name(task, model)])
            known = sa.select(table.c.id).where(_of(task, model), table.c.number == number)
            if connection.execute(known).first() is None:
                raise NotFound(f"{model} of {task} has no version {number}.")
            _set_live(connection, task, model, number)

        self._database.write(write)
        version = self.get(task, model, number)
        assert version is not None
        return version

    def _remove_left_behind(self, task: str, model: str, coming: str = "") -> None:
        """Remove files of versions that never came to be, but for the one that is to come."""
        with self._database.read() as connection:
            known = set(connection.execute(sa.select(table.c.id).where(_of(task, model))).scalars())
        self._artifacts.remove_left_behind(f"{task}/{model}", known | {coming})

    def _one(self, *conditions: sa.ColumnElement[bool]) -> VersionRecord | None:
        with self._database.read() as connection:
            query = sa.select(table).where(*conditions).order_by(table.c.number.desc()).limit(1)
            row = connection.execute(query).first()
        return self._record(row) if row else None

    def _record(self, row: sa.Row[Any]) -> VersionRecord:
        return VersionRecord(
            task=row.task,
            model=row.model,
            number=row.number,
            id=row.id,
            folder=self._artifacts.place(key_of(row.task, row.model, row.id)),
            metrics=row.metrics,
            parameters=row.parameters,
            created_at=row.created_at,
            is_live=row.is_live,
            job=row.job,
            origin=msgspec.convert(row.origin or {}, Origin),
        )


def _of(task: str, model: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.task == task, table.c.model == model, ~table.c.removed)


def _name(task: str, model: str) -> str:
    """Of the turn to say which versions there are and which is live."""
    return f"versions of {model} of {task}"


def _insert(connection: sa.Connection, values: Mapping[str, Any], live: bool, profile: bytes) -> int:
    """Add the row under the next number."""
    task, model = values["task"], values["model"]
    turns.take(connection, [_name(task, model)])
    ever = sa.and_(table.c.task == task, table.c.model == model)
    newest = connection.execute(sa.select(sa.func.max(table.c.number)).where(ever)).scalar()
    number = int(newest or 0) + 1
    connection.execute(sa.insert(table).values(number=number, created_at=now(connection), **values))
    if profile:
        profile_rows.insert(connection, task, model, number, profile)
    has_live = sa.select(table.c.id).where(_of(task, model), table.c.is_live)
    if live or (not values["origin"]["was_cancelled"] and connection.execute(has_live).first() is None):
        _set_live(connection, task, model, number)
    return number


def _set_live(connection: sa.Connection, task: str, model: str, number: int) -> None:
    is_it = sa.case((table.c.number == number, sa.true()), else_=sa.false())
    connection.execute(sa.update(table).where(_of(task, model)).values(is_live=is_it))
