"""What each kind of database does in its own way, behind `Database`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

import sqlalchemy as sa

T = TypeVar("T")


class Backend(Protocol):
    """SQLite, or a database server."""

    name: str
    """What it is called in messages: a file, or a server with no password in it."""

    def close(self) -> None:
        """Write what waits, then let go."""

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection that sees one state of the database."""

    def write(self, write: Callable[[sa.Connection], T], durable: bool, turn: str | None) -> T:
        """Run `write`, which takes this turn if any, in a transaction; give its result once that is committed."""

    def is_made(self) -> bool:
        """Whether there is something that could have tables."""

    def migrating(self) -> AbstractContextManager[sa.Connection]:
        """A connection that nobody else has at the same time, on whatever machine; what it did stays at the end."""

    def rows_bytes(self, connection: sa.Connection) -> int:
        """What the rows take, or about that. A server adds it up, which takes a while where there are many."""
