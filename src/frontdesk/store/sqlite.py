"""SQLite: a file, many readers, and one writer thread in each process (see `writer`).

It runs in WAL mode. `synchronous=FULL` makes a commit reach the disk before it returns, so an acknowledged
write survives power loss (https://sqlite.org/pragma.html#pragma_synchronous). A write that may be lost without
harm, such as a claim (the job is simply claimed again), says `durable=False` and is committed under NORMAL,
which cannot damage the file; the next durable commit of any process takes it along to the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from frontdesk.store.writer import Writer

T = TypeVar("T")

_BUSY_TIMEOUT_S = 30.0
# More readers at once than the web process has threads would only wait for each other.
_READERS = 40
_WAL_BYTES_KEPT = 64 * 2**20


class Sqlite:
    """A database in a file."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._reading = _engine(path, "BEGIN", _READERS)
        self._writing = _engine(path, "BEGIN IMMEDIATE", 1)
        self._writer = Writer(self._writing, path.with_suffix(".writing"), _set_durable)

    def close(self) -> None:
        """Write what waits, then let go of the file."""
        self._writer.close()
        self._reading.dispose()
        self._writing.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database."""
        with self._reading.connect() as connection:
            yield connection

    def write(self, write: Callable[[sa.Connection], T], durable: bool, turn: str | None) -> T:
        """Run `write` in a transaction and give its result once that is committed."""
        return self._writer.write(write, durable)

    def is_made(self) -> bool:
        """Whether there is a file, and it is in WAL mode."""
        if not self._path.exists():
            return False
        with self.reading() as connection:
            return connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"

    @contextlib.contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """All of it is one transaction: a process that dies on the way leaves the tables as they were."""
        with self._path.with_suffix(".migrating").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._writing.connect() as connection:
                # The file remembers this. Two processes that change it at once fail, hence here, under the lock.
                connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
                with connection.begin():
                    yield connection

    def rows_bytes(self, connection: sa.Connection) -> int:
        """What the rows take: all pages that are in use."""
        pages, free, page_bytes = (
            connection.exec_driver_sql(f"PRAGMA {figure}").scalar_one()
            for figure in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page_bytes)


def _set_durable(connection: sa.Connection, durable: bool) -> None:
    """Not a part of any transaction: SQLite forbids it there."""
    connection.connection.cursor().execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")


def _engine(path: Path, begin: str, connections: int) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False},
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # errors go to the log; what people sent, and digests of secrets, do not
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, record: object) -> None:
        # The driver must not open transactions by itself: ours begin as `begin` says.
        connection.isolation_level = None
        for pragma in ("synchronous=FULL", f"journal_size_limit={_WAL_BYTES_KEPT}", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin_transaction(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
