"""Who did what, and when: kept for as long as there is the installation, written with what it tells of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.store.access_tables import audit
from frontdesk.store.clock import now
from frontdesk.store.database import Database

COMMAND_LINE = "command line"


class By(msgspec.Struct, frozen=True):
    """Who does something, and from where: a user's address, a visitor, or the command line."""

    actor: str
    address: str = ""


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the record."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    address: str


class Deeds(msgspec.Struct, frozen=True):
    """Some of them, the newest first, and the cursor of the next page."""

    items: list[Deed]
    next: str | None


def note(connection: sa.Connection, by: By, action: str, subject: str, **detail: Any) -> None:
    """Write a line, in the transaction of what it tells of."""
    connection.execute(
        sa.insert(audit).values(
            at=now(connection),
            actor=by.actor,
            action=action,
            subject=subject[:500],
            detail=detail,
            address=by.address[:64],
        )
    )


class Audit:
    """The record of an installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, by: By, action: str, subject: str, **detail: Any) -> None:
        """Write a line about something done elsewhere."""
        self._database.write(lambda c: note(c, by, action, subject, **detail))

    def list(self, limit: int = 50, before: int | None = None) -> Deeds:
        """The newest lines."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._database.read() as connection:
            found = [Deed(**row) for row in connection.execute(query).mappings()]
        return Deeds(found[:limit], str(found[limit - 1].id) if len(found) > limit else None)
