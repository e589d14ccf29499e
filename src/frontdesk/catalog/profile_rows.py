"""Profiles of versions in the database."""

from __future__ import annotations

import sqlalchemy as sa

from frontdesk.catalog.profiles import Profile, decoded, encoded
from frontdesk.store import turns
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.monitor_tables import profiles as table


class Profiles:
    """What versions learned from, where that is known."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, task: str, model: str, version: int) -> Profile | None:
        """The profile of a version."""
        query = sa.select(table.c.data).where(_of(task, model, version))
        with self._database.read() as connection:
            data = connection.execute(query).scalar()
        return None if data is None else decoded(data)

    def put(self, task: str, model: str, version: int, profile: Profile) -> None:
        """Make it the profile of a version, in place of the one it may have."""

        def write(connection: sa.Connection) -> None:
            # Of two at once, the later one stays.
            turns.take(connection, [f"profile {task} {model} {version}"])
            remove(connection, task, model, version)
            insert(connection, task, model, version, encoded(profile))

        self._database.write(write)


def insert(connection: sa.Connection, task: str, model: str, version: int, data: bytes) -> None:
    """Add it, in the transaction that makes its version."""
    row = {"id": new_id(), "task": task, "model": model, "version": version, "data": data}
    connection.execute(sa.insert(table).values(row))


def remove(connection: sa.Connection, task: str, model: str, version: int) -> None:
    """Let it go with its version."""
    connection.execute(sa.delete(table).where(_of(task, model, version)))


def _of(task: str, model: str, version: int) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.task == task, table.c.model == model, table.c.version == version)
