"""Turns: what one transaction at a time may do, on database servers that run many.

SQLite has one writer, so whoever writes has every turn. On a server a turn is a row that is locked until the
transaction ends. There are as many as `TURNS`, and names share them: two names that share one wait for each other
now and then, which is all it costs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, cast

import sqlalchemy as sa

from frontdesk.store.tables import turns

TURNS = 256
_HELD, _FOUND = "frontdesk.turns", "frontdesk.found"
_take = sa.select(turns.c.number).where(turns.c.number.in_(sa.bindparam("numbers", expanding=True)))
_take = _take.order_by(turns.c.number).with_for_update()


def number_of(name: str) -> int:
    """The row that stands for this name."""
    return zlib.crc32(name.encode()) % TURNS


def take(connection: sa.Connection, names: Iterable[str]) -> None:
    """Wait until no other transaction has a turn of these names, and have them until this one ends.

    Take all at once, or one at the very end: whoever takes one after the other may meet somebody who does it in another
    order, and one of the two is undone and begins again.
    """
    if connection.dialect.name == "sqlite":
        return
    held: set[int] = connection.info.setdefault(_HELD, set())
    wanted = {number_of(name) for name in names} - held
    if wanted:
        connection.execute(_take, {"numbers": sorted(wanted)}).all()
        held |= wanted


def found(connection: sa.Connection) -> dict[Any, Any]:
    """What this transaction found out under its turns, which nobody else can have changed since."""
    if connection.dialect.name == "sqlite":
        return {}  # to ask once more costs less there than to know when a transaction begins
    return cast(dict[Any, Any], connection.info.setdefault(_FOUND, {}))


def forget(connection: sa.Connection) -> None:
    """A transaction begins: it has none, and knows nothing."""
    connection.info.pop(_HELD, None)
    connection.info.pop(_FOUND, None)
