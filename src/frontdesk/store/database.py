"""The database of an installation: many readers, and one writer thread in each process (see `writer`).

SQLite runs in WAL mode. `synchronous=FULL` makes a commit reach the disk before it returns, so an acknowledged
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

from frontdesk.errors import SettingsError
from frontdesk.store.writer import Writer

T = TypeVar("T")

SCHEMA_VERSION = "0009"
_BUSY_TIMEOUT_S = 30.0
# More readers at once than the web process has threads would only wait for each other.
_READERS = 40
_WAL_BYTES_KEPT = 64 * 2**20


class Database:
    """Rows, read and written with SQLAlchemy Core."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = _engine(path, "BEGIN", _READERS)
        self._writing = _engine(path, "BEGIN IMMEDIATE", 1)
        self._writer = Writer(self._writing, path.with_suffix(".writing"), _set_durable)

    @classmethod
    def open(cls, path: Path) -> Database:
        """The database in this file; `migrate` makes it when there is none."""
        return cls(path)

    def close(self) -> None:
        """Write what waits, then let go of the file."""
        self._writer.close()
        self._reading.dispose()
        self._writing.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database for the length of the block."""
        with self._reading.connect() as connection:
            yield connection

    def write(self, write: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """Run `write` in a transaction and give its result once that is committed.

        It runs on the writer's thread together with others' writes, so it must be short and touch nothing but
        its connection. An exception of its own undoes only its own changes and is raised here.
        """
        return self._writer.write(write, durable)

    def migrate(self) -> None:
        """Bring the tables up to date. Cheap when they are; safe when several processes start at once.

        All steps are one transaction: a process that dies on the way leaves the tables as they were.
        """
        if self._is_up_to_date():
            return
        with self._path.with_suffix(".migrating").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_up_to_date():
                self._upgrade()

    def _is_up_to_date(self) -> bool:
        if not self._path.exists():
            return False
        with self.read() as connection:
            is_wal = connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            if not is_wal or not sa.inspect(connection).has_table("alembic_version"):
                return False
            version = connection.execute(sa.text("select version_num from alembic_version")).scalar() or ""
        if version > SCHEMA_VERSION:
            raise SettingsError(
                f"{self._path} was written by a newer frontdesk (its tables are at {version}, this one knows "
                f"{SCHEMA_VERSION}). Install that version, or choose another data folder."
            )
        return version == SCHEMA_VERSION

    def _upgrade(self) -> None:
        from alembic import command  # a third of a second to import, and needed once in the life of a folder
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._writing.connect() as connection:
            # The file remembers this. Two processes that change it at once fail, hence here, under the lock.
            connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
            with connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


def rows_bytes(connection: sa.Connection) -> int:
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
