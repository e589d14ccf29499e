"""The one thread of a process that writes: group commit.

Whatever waits to be written is written in one transaction, each piece in a savepoint of its own, so a burst
of submits costs one synchronisation to disk, not one each. A caller gets its result after the commit, hence
what is acknowledged is on the disk.
"""

from __future__ import annotations

import fcntl
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import sqlalchemy as sa

from frontdesk.errors import StoreUnavailable

T = TypeVar("T")

_LARGEST_GROUP = 256
_MAY_PASS = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
}


@dataclass(frozen=True, slots=True)
class _Wish:
    write: Callable[[sa.Connection], Any]
    durable: bool
    done: Future[Any]


class Writer:
    """Writes through `engine`. `set_durable` readies a connection for a group that must reach the disk, or need not.

    Processes take turns at a lock on the file `turnstile`. SQLite has a lock as well, but who waits there
    sleeps for up to a tenth of a second between two looks; here the kernel wakes the next one at once.
    """

    def __init__(
        self, engine: sa.Engine, turnstile: Path, set_durable: Callable[[sa.Connection, bool], None]
    ) -> None:
        self._engine, self._turnstile, self._set_durable = engine, turnstile, set_durable
        self._wishes: queue.SimpleQueue[_Wish | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._gate = threading.Lock()
        self._is_closed = False

    def write(self, write: Callable[[sa.Connection], T], durable: bool) -> T:
        """Run `write` in a transaction and give its result once that is committed."""
        done: Future[T] = Future()
        with self._gate:
            if self._is_closed:
                raise RuntimeError("The database is closed.")
            if self._thread is None:
                turnstile = self._turnstile.open("a")
                self._thread = threading.Thread(
                    target=self._run, args=(turnstile,), name="database-writer", daemon=True
                )
                self._thread.start()
            self._wishes.put(_Wish(write, durable, done))
        return done.result()

    def close(self) -> None:
        """Write what waits, and nothing after that."""
        with self._gate:
            self._is_closed = True
            thread = self._thread
            if thread is not None:
                self._wishes.put(None)
        if thread is not None:
            thread.join()

    def _run(self, turnstile: IO[str]) -> None:
        connection: sa.Connection | None = None
        with turnstile:
            while group := self._next_group():
                try:
                    if connection is None:
                        connection = self._engine.connect()
                    self._write_group(connection, group, turnstile.fileno())
                except BaseException as error:  # noqa: BLE001  (the disk is full, a lock was not to be had: all who wait must hear)
                    # What state the connection is in is anybody's guess, so the next group gets a fresh one.
                    if connection is not None:
                        connection.invalidate()
                        connection.close()
                        connection = None
                    refusal = _refusal(error) if isinstance(error, Exception) else error
                    for wish in group:
                        wish.done.set_exception(refusal)
        if connection is not None:
            connection.close()

    def _next_group(self) -> list[_Wish]:
        """Wait for something to write, then take all there is; nothing once the writer is closed."""
        first = self._wishes.get()
        if first is None:
            return []
        group = [first]
        while len(group) < _LARGEST_GROUP and not self._wishes.empty():
            wish = self._wishes.get()
            if wish is None:
                self._wishes.put(None)  # the end comes after this group
                break
            group.append(wish)
        return group

    def _write_group(self, connection: sa.Connection, group: list[_Wish], turnstile: int) -> None:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        try:
            self._set_durable(connection, any(wish.durable for wish in group))
            with connection.begin():
                outcomes = [_attempt(connection, wish) for wish in group]
        finally:
            fcntl.flock(turnstile, fcntl.LOCK_UN)
        for wish, (result, refusal) in zip(group, outcomes, strict=True):
            if refusal is None:
                wish.done.set_result(result)
            else:
                wish.done.set_exception(refusal)


def _refusal(error: Exception) -> Exception:
    """What those hear whose write could not be made: StoreUnavailable for what may pass."""
    reason = getattr(error, "orig", error)
    if getattr(reason, "sqlite_errorcode", 0) & 0xFF not in _MAY_PASS:  # the other bits say more exactly why
        return error
    refusal = StoreUnavailable(f"The server cannot write to its database now ({reason}). Try again later.")
    refusal.__cause__ = error
    return refusal


def _attempt(connection: sa.Connection, wish: _Wish) -> tuple[Any, Exception | None]:
    """Do one piece. What it raises undoes its own changes and nobody else's."""
    # Straight to the driver: SQLAlchemy's own savepoints cost as much as all else a small write does.
    cursor = connection.connection.cursor()
    cursor.execute("SAVEPOINT piece")
    result, refusal = None, None
    try:
        result = wish.write(connection)
    except Exception as error:  # it is the caller's, and is raised there
        if not getattr(connection.connection.dbapi_connection, "in_transaction", True):
            raise  # SQLite gave up all of it, as it does on a full disk
        refusal = _refusal(error)
        cursor.execute("ROLLBACK TO SAVEPOINT piece")
    cursor.execute("RELEASE SAVEPOINT piece")
    cursor.close()
    return result, refusal
