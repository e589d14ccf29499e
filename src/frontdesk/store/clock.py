"""The one clock of an installation: its database's.

Leases, schedules and deliveries compare moments that different machines wrote down. Taken from each machine's own
clock they would mean something else on each; so a transaction asks the database what time it is, once, and counts
on from there with a clock that nobody sets. SQLite has no other clock than the machine it is on.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASKED = "frontdesk.moment"
_QUESTION = "frontdesk.moment.question"


def now(connection: sa.Connection) -> datetime:
    """This moment, in UTC, by the clock of this connection's database."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    if _ASKED not in connection.info:
        told(connection, connection.exec_driver_sql(connection.info[_QUESTION]).scalar_one())
    asked: tuple[datetime, float] = connection.info[_ASKED]
    moment, since = asked
    return moment + timedelta(seconds=time.monotonic() - since)


def told(connection: sa.Connection, microseconds: int) -> None:
    """The database says that so many have passed since 1970."""
    connection.info[_ASKED] = _EPOCH + timedelta(microseconds=microseconds), time.monotonic()


def to_be_asked(connection: sa.Connection, question: str) -> None:
    """This statement gives the microseconds since 1970."""
    connection.info[_QUESTION] = question


def forget(connection: sa.Connection) -> None:
    """A transaction begins: ask again."""
    connection.info.pop(_ASKED, None)
