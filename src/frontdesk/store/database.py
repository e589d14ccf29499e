"""The database of an installation: many readers, and one writer thread in each process.

Group commit: whatever waits to be written is written in one transaction, each piece in a savepoint of
its own, so a burst of submits costs one synchronisation to disk, not one each. A caller gets its result
after the commit, hence what is acknowledged is on the disk.

SQLite runs in WAL mode. `synchronous=FULL` makes every commit reach the disk before it returns, so an
acknowledged write survives power loss (https://sqlite.org/pragma.html#pragma_synchronous). A write that may be
lost without harm, such as a claim (the job is simply claimed again), says `durable=False` and is
committed under NORMAL; the next durable commit takes it along to the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

SCHEMA_VERSION = "0001"
_BUSY_TIMEOUT_S = 30.0
_LARGEST_GROUP = 256


@dataclass(frozen=True, slots=True)
class _Wish:
    write: Callable[[sa.Connection], Any]
    durable: bool
    done: Future[Any]


class Database:
    """Rows, read and written with SQLAlchemy Core."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = _engine(path, "BEGIN")
        self._writing = _engine(path, "BEGIN IMMEDIATE")
        self._wishes: queue.SimpleQueue[_Wish | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()

    @classmethod
    def open(cls, path: Path) -> Database:
        """The database in this file, made when it is first written."""
        return cls(path)

    def close(self) -> None:
        """Write what waits, then let go of the file."""
        with self._starting:
            if self._writer is not None:
                self._wishes.put(None)
                self._writer.join()
                self._writer = None
        self._reading.dispose()
        self._writing.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database for the length of the block."""
        with self._reading.connect() as connection:
            yield connection

    def write(self, write: Callable[[sa.Connection], T], *, durable: bool = True) -> T:
        """Run `write` in a transaction and give its result once that is committed.

        It may run more than once when the disk or a lock forces a second try, so it must touch nothing
        but its connection. An exception of its own undoes only its own changes and is raised here.
        """
        if self._writer is None:
            self._start_writer()
        done: Future[T] = Future()
        self._wishes.put(_Wish(write, durable, done))
        return done.result()

    def _start_writer(self) -> None:
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(
                    target=self._write_groups, name="database-writer", daemon=True
                )
                self._writer.start()

    def _write_groups(self) -> None:
        with self._writing.connect() as connection:
            while (first := self._wishes.get()) is not None:
                group = [first]
                is_last = False
                while len(group) < _LARGEST_GROUP and not self._wishes.empty():
                    wish = self._wishes.get()
                    if wish is None:
                        is_last = True
                        break
                    group.append(wish)
                _write_group(connection, group)
                if is_last:
                    return

    # --------------------------------------------------------------------------- migrations

    def migrate(self) -> None:
        """Bring the tables up to date. Cheap when they are; safe when several processes start at once."""
        if self._version() == SCHEMA_VERSION:
            return
        with self._path.with_suffix(".migrating").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._version() != SCHEMA_VERSION:
                self._upgrade()

    def _version(self) -> str | None:
        with self.read() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(sa.text("select version_num from alembic_version")).scalar()

    def _upgrade(self) -> None:
        from alembic import command  # a third of a second to import, and needed once in the life of a folder
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._writing.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _write_group(connection: sa.Connection, group: list[_Wish]) -> None:
    level = "FULL" if any(wish.durable for wish in group) else "NORMAL"
    results: list[tuple[_Wish, Any, BaseException | None]] = []
    try:
        connection.connection.dbapi_connection.execute(f"PRAGMA synchronous={level}")  # type: ignore[union-attr]
        with connection.begin():
            for wish in group:
                results.append((wish, *_attempt(connection, wish)))
    except BaseException as error:  # noqa: BLE001  (the disk is full, the file is gone: every waiting caller must hear it)
        for wish in group:
            wish.done.set_exception(error)
        return
    for wish, result, refusal in results:
        if refusal is None:
            wish.done.set_result(result)
        else:
            wish.done.set_exception(refusal)


def _attempt(connection: sa.Connection, wish: _Wish) -> tuple[Any, BaseException | None]:
    savepoint = connection.begin_nested()
    try:
        result = wish.write(connection)
        savepoint.commit()
    except Exception as error:  # noqa: BLE001  (it is the caller's, and is raised there)
        savepoint.rollback()
        return None, error
    return result, None


def _engine(path: Path, begin: str) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False},
        pool_size=20,
    )

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, record: object) -> None:
        # The driver must not open transactions by itself: ours begin as `begin` says.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin_transaction(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
