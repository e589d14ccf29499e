"""What runs by the clock, and how it is run once and only once.

A run is named by the time it was due. Whoever runs a schedule makes jobs under keys with that name, and then moves the
schedule on from that time to the next, compare-and-set. Killed in between, the next one makes the same jobs again,
which are then the same jobs. However long the server was away, one run makes up for all that were missed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.clock import check, next_runs
from frontdesk.errors import Conflict, Fault, InvalidInput, NotFound
from frontdesk.store import turns
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.tables import job_files, schedules

MOST = 50
TAKEN_S = 60.0
_LONGEST_NAME = 200
_LONGEST_ERROR = 500
_FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}").fullmatch


class ScheduleKind(StrEnum):
    """What a schedule does each time."""

    INBOX = "inbox"  # a batch of every new file of a folder
    BATCH = "batch"  # the same file again
    TRAIN = "train"


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done. `model` None is the default one. `file` is what a batch repeats or a training learns from."""

    task: str
    model: str | None = None
    version: int | None = None
    format: str = "xlsx"
    strict: bool = False
    file: str | None = None
    title: str = ""
    parameters: dict[str, Any] = {}
    folder: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule. `next_at` is null while it is paused; `last_error` says why the last run made no job, or not all."""

    id: str
    owner: str
    name: str
    kind: ScheduleKind
    work: Work
    cron: str
    zone: str
    active: bool
    created_at: datetime
    next_at: datetime | None
    last_at: datetime | None
    last_jobs: list[str]
    last_error: str | None


class Schedules:
    """Add, change, remove; take what is due, and move it on. `owner` None is everybody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owner: str, name: str, kind: ScheduleKind, work: Work, cron: str, zone: str) -> Schedule:
        """A new one. Its file stays for as long as it does. Raises InvalidInput, Conflict."""
        _check_name(name)
        check(cron, zone)
        if kind is ScheduleKind.INBOX and not _FOLDER(work.folder or ""):
            raise InvalidInput.of(
                [Fault("/folder", "A folder's name is of small letters, digits, - and _: at most 60.")]
            )
        row = {
            "id": new_id(), "owner": owner, "name": name, "kind": kind.value, "work": msgspec.to_builtins(work),
            "cron": cron, "zone": zone, "active": True, "folder": work.folder, "taken_until": None, "last_at": None,
            "last_jobs": None, "last_error": None,
        }  # fmt: skip

        def write(connection: sa.Connection) -> Schedule:
            at = now(connection)
            made = {**row, "created_at": at, "next_at": next_runs(cron, zone, at, 1)[0]}
            turns.take(connection, [f"schedules of {owner}", f"inbox {work.folder}"])
            count = sa.select(sa.func.count()).select_from(schedules).where(schedules.c.owner == owner)
            if connection.execute(count).scalar_one() >= MOST:
                raise Conflict(f"There are {MOST} schedules already, and no more are kept.")
            same = sa.select(schedules.c.id).where(schedules.c.folder == work.folder)
            if work.folder is not None and connection.execute(same).first() is not None:
                raise Conflict("Another schedule has this folder.")
            connection.execute(sa.insert(schedules).values(**made))
            if work.file is not None:
                connection.execute(sa.insert(job_files).values(job=row["id"], file=work.file))
            return _schedule(made)

        return self._database.write(write)

    def list(self, owner: str | None) -> list[Schedule]:
        """An owner's, or everybody's, by their names."""
        query = sa.select(schedules).order_by(schedules.c.name, schedules.c.id).limit(1000)
        if owner is not None:
            query = query.where(schedules.c.owner == owner)
        with self._database.read() as connection:
            return [_schedule(row) for row in connection.execute(query).mappings()]

    def inboxes(self) -> Sequence[Schedule]:
        """All inboxes there are, the paused ones too: what was taken from them still comes back."""
        query = sa.select(schedules).where(schedules.c.folder.is_not(None)).limit(1000)
        with self._database.read() as connection:
            return [_schedule(row) for row in connection.execute(query).mappings()]

    def get(self, schedule_id: str, owner: str | None) -> Schedule:
        """One of them. Raises NotFound."""
        with self._database.read() as connection:
            return _schedule(_find(connection, schedule_id, owner))

    def change(
        self, schedule_id: str, owner: str | None, *, name: str | None = None, cron: str | None = None,
        zone: str | None = None, active: bool | None = None,
    ) -> Schedule:  # fmt: skip
        """Change name and times, pause or resume. Resumed, it goes on from now: what was missed is left."""
        if name is not None:
            _check_name(name)

        def write(connection: sa.Connection) -> Schedule:
            row = _find(connection, schedule_id, owner, to_change=True)
            values: dict[str, Any] = {
                "name": row["name"] if name is None else name,
                "cron": cron or row["cron"],
                "zone": zone or row["zone"],
                "active": row["active"] if active is None else active,
            }
            runs = next_runs(values["cron"], values["zone"], now(connection), 1)
            is_same = row["active"] and (values["cron"], values["zone"]) == (row["cron"], row["zone"])
            values["next_at"] = None if not values["active"] else row["next_at"] if is_same else runs[0]
            connection.execute(sa.update(schedules).where(schedules.c.id == schedule_id).values(**values))
            return _schedule(_find(connection, schedule_id, owner))

        return self._database.write(write)

    def remove(self, schedule_id: str, owner: str | None) -> None:
        """Forget it. The jobs it made stay; its file does if one of them holds it, or else is let go as uploads are."""

        def write(connection: sa.Connection) -> None:
            _find(connection, schedule_id, owner)
            connection.execute(sa.delete(job_files).where(job_files.c.job == schedule_id))
            connection.execute(sa.delete(schedules).where(schedules.c.id == schedule_id))

        self._database.write(write)

    # --------------------------------------------------------------------------- running them

    def take_due(self, limit: int = 20) -> Sequence[Schedule]:
        """What is due, for TAKEN_S seconds for whoever asked."""
        with self._database.read() as connection:
            due = _due(now(connection))
            if connection.execute(sa.select(schedules.c.id).where(*due).limit(1)).first() is None:
                return []

        def write(connection: sa.Connection) -> Sequence[Schedule]:
            at = now(connection)
            query = sa.select(schedules).where(*_due(at)).order_by(schedules.c.next_at).limit(limit)
            rows = connection.execute(query.with_for_update(skip_locked=True)).mappings().all()
            connection.execute(
                sa.update(schedules)
                .where(schedules.c.id.in_([row["id"] for row in rows]))
                .values(taken_until=at + timedelta(seconds=TAKEN_S))
            )
            return [_schedule(row) for row in rows]

        return self._database.write(write)

    def ran(self, schedule: Schedule, jobs: Sequence[str], error: str | None) -> None:
        """Note what a run made, and move on from the time it was due; nothing to do where somebody did."""

        def write(connection: sa.Connection) -> None:
            at = now(connection)
            values: dict[str, Any] = {
                "last_at": at, "last_jobs": [*jobs], "last_error": error and error[:_LONGEST_ERROR],
                "taken_until": None,
            }  # fmt: skip
            same = [schedules.c.id == schedule.id]
            if schedule.next_at is not None and schedule.next_at <= at:
                values["next_at"] = next_runs(schedule.cron, schedule.zone, at, 1)[0]
                same.append(schedules.c.next_at == schedule.next_at)
            connection.execute(sa.update(schedules).where(*same).values(**values))

        self._database.write(write)


def _due(at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        schedules.c.active == sa.true(),
        schedules.c.next_at <= at,
        sa.or_(schedules.c.taken_until.is_(None), schedules.c.taken_until < at),
    )


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput.of([Fault("/name", f"A name has 1 to {_LONGEST_NAME} characters.")])


def _find(
    connection: sa.Connection, schedule_id: str, owner: str | None, *, to_change: bool = False
) -> sa.RowMapping:
    query = sa.select(schedules).where(schedules.c.id == schedule_id)
    row = connection.execute(query.with_for_update() if to_change else query).mappings().first()
    if row is None or owner not in (None, row["owner"]):
        raise NotFound("There is no such schedule.")
    return row


def _schedule(row: sa.RowMapping | dict[str, Any]) -> Schedule:
    own = {name: row[name] for name in Schedule.__struct_fields__}
    own |= {
        "kind": ScheduleKind(row["kind"]), "work": msgspec.convert(row["work"], Work),
        "last_jobs": row["last_jobs"] or [],
    }  # fmt: skip
    return Schedule(**own)
