"""The stream of events: whoever has read up to an id has read everything before it.

Streams resume from an id, so no event may appear below one that was read. With one writer ids are given in the
order of commits. A server runs many transactions, and one that was given a lower id may commit later. There, events are
kept back until the transaction is otherwise done; then it takes the turns of their owners, writes them, and commits. So
the events of one owner, and hence of one job, appear in the order of their ids, and nobody waits for longer
than somebody else's commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from frontdesk.store import turns
from frontdesk.store.tables import events

_KEPT_BACK = "frontdesk.events"
_insert = sa.insert(events)


def append(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write these events, as the last thing this transaction does."""
    if connection.dialect.name == "sqlite":
        connection.execute(_insert, rows)
    else:
        connection.info.setdefault(_KEPT_BACK, []).extend(rows)


def finish(connection: sa.Connection) -> None:
    """Everything else is done: write what was kept back. The commit must follow at once."""
    if rows := connection.info.pop(_KEPT_BACK, None):
        turns.take(connection, {row["owner"] for row in rows})
        connection.execute(_insert, rows)


def forget(connection: sa.Connection) -> None:
    """A transaction begins: it has none."""
    connection.info.pop(_KEPT_BACK, None)
