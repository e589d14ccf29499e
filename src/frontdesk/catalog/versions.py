"""Versions of models: rows that say which there are and which is live, each with a folder of weights.

A version is complete or it is not there. Its folder is put in place inside the transaction that adds
its row, after the row was accepted and before it is committed, so a crash between the two leaves a folder
that no row names; whoever gets that number next sweeps it aside.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from frontdesk.errors import NotFound
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.tables import versions as table

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One set of weights of a model, and what made it."""

    task: str
    model: str
    number: int
    folder: Path
    metrics: Mapping[str, float]
    parameters: Mapping[str, Any]
    created_at: datetime
    is_live: bool


def implicit_version(task: str, model: str) -> VersionRecord:
    """The one version of a model that is not trained here: there is no row of it, and nothing in its folder."""
    return VersionRecord(
        task=task,
        model=model,
        number=1,
        folder=Path("/nonexistent"),
        metrics={},
        parameters={},
        created_at=datetime.fromtimestamp(0, UTC),
        is_live=True,
    )


class Versions:
    """The versions of every model of an installation."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

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

    def add(
        self,
        task: str,
        model: str,
        staged: Path,
        metrics: Mapping[str, float],
        parameters: Mapping[str, Any],
        *,
        live: bool = True,
    ) -> VersionRecord:
        """Make a version of the files in `staged`, which is gone afterwards."""
        ready = self._bring_near(staged)
        values = {"metrics": dict(metrics), "parameters": dict(parameters)}
        for attempt in range(_ATTEMPTS):
            try:
                return self._database.write(lambda c: self._insert(c, task, model, ready, values, live))
            except sa.exc.IntegrityError:  # another process took the number meanwhile
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def make_live(self, task: str, model: str, number: int) -> VersionRecord:
        """Let this version answer from now on."""

        def write(connection: sa.Connection) -> None:
            known = sa.select(table.c.id).where(_of(task, model), table.c.number == number)
            if connection.execute(known).first() is None:
                raise NotFound(f"{model} of {task} has no version {number}.")
            _set_live(connection, task, model, number)

        self._database.write(write)
        version = self.get(task, model, number)
        assert version is not None
        return version

    def _insert(
        self,
        connection: sa.Connection,
        task: str,
        model: str,
        ready: Path,
        values: Mapping[str, Any],
        live: bool,
    ) -> VersionRecord:
        newest = sa.select(sa.func.max(table.c.number)).where(_of(task, model))
        number = (connection.execute(newest).scalar() or 0) + 1
        row = {
            "id": new_id(),
            "task": task,
            "model": model,
            "number": number,
            "is_live": False,
            "created_at": datetime.now(UTC),
            **values,
        }
        connection.execute(sa.insert(table).values(**row))
        if live:
            _set_live(connection, task, model, number)
        folder = self._place(task, model, number)
        _move(ready, folder)
        return VersionRecord(
            task=task,
            model=model,
            number=number,
            folder=folder,
            metrics=values["metrics"],
            parameters=values["parameters"],
            created_at=row["created_at"],
            is_live=live,
        )

    def _bring_near(self, staged: Path) -> Path:
        """Move the files to the disk they will stay on, all written out, so that the last step is one rename."""
        ready = self._folder / ".staged" / new_id()
        ready.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(staged, ready)
        for path in [*ready.rglob("*"), ready]:
            _write_out(path)
        return ready

    def _place(self, task: str, model: str, number: int) -> Path:
        return self._folder / task / model / str(number)

    def _one(self, *conditions: sa.ColumnElement[bool]) -> VersionRecord | None:
        with self._database.read() as connection:
            row = connection.execute(sa.select(table).where(*conditions)).first()
        return self._record(row) if row else None

    def _record(self, row: sa.Row[Any]) -> VersionRecord:
        return VersionRecord(
            task=row.task,
            model=row.model,
            number=row.number,
            folder=self._place(row.task, row.model, row.number),
            metrics=row.metrics,
            parameters=row.parameters,
            created_at=row.created_at,
            is_live=row.is_live,
        )


def _of(task: str, model: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.task == task, table.c.model == model)


def _set_live(connection: sa.Connection, task: str, model: str, number: int) -> None:
    connection.execute(sa.update(table).where(_of(task, model)).values(is_live=(table.c.number == number)))


def _move(ready: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():  # left by a crash between the rename and the commit: no row ever named it
        aside = ready.with_name(f"{ready.name}.left")
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    ready.rename(folder)
    _write_out(folder.parent)


def _write_out(path: Path) -> None:
    """Have it on the disk, not only on its way there: a version that was acknowledged survives power loss."""
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
