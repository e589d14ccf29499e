"""Database servers: PostgreSQL, MariaDB and MySQL.

A write is a transaction of its own, on the caller's thread and a connection of a pool: these servers share commits
by themselves, and a write that waits for a lock holds up nobody else. Only those that need the same turn share one
(see `group_commit`). What a server undoes because two transactions were in each other's way is done once more, whole.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar, cast

import msgspec
import sqlalchemy as sa

from frontdesk.errors import SettingsError, StoreRefused, StoreUnavailable
from frontdesk.store import clock, stream, turns
from frontdesk.store.faults import Fault
from frontdesk.store.group_commit import Line
from frontdesk.store.opening import Opening

T = TypeVar("T")
log = logging.getLogger(__name__)

_ATTEMPTS = 10
_OPENING = "frontdesk_opening"
_TOO_BUSY = "The server's database is too busy for this now. Try again later."
_NOT_THERE = "The server's database is not there now. Try again later."
_LONGEST_PAUSE_S = 0.5
_WAIT_FOR_CONNECTION_S = 10.0
_RECYCLE_S = 1800
_BYTES_BESIDES = 2048  # what a job takes besides its documents: its columns, indexes and events
_DRIVERS = {
    "postgresql": ("postgresql", "psycopg", "PostgreSQL"),
    "postgres": ("postgresql", "psycopg", "PostgreSQL"),
    "mariadb": ("mariadb", "pymysql", "MariaDB"),
    "mysql": ("mariadb", "pymysql", "MySQL"),
}


class Kind(Protocol):
    """A module with what is particular to one kind of server: `postgresql` and `mariadb`."""

    DRIVER: str
    CONNECT: dict[str, Any]

    def configure(self, connection: Any) -> None: ...
    def begin(self, connection: sa.Connection, opening: Opening) -> None: ...
    def fault_of(self, error: BaseException) -> Fault: ...
    def lock_for_migration(self, connection: sa.Connection) -> None: ...
    def unlock_after_migration(self, connection: sa.Connection) -> None: ...


def open_server(text: str, connections: int) -> Server:
    """The database at this URL. Raises SettingsError; no message has the password in it."""
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise SettingsError(
            "database is no URL; one is postgresql://user:password@host/name (characters of the password that mean "
            "something in a URL are written as %40 and the like)."
        ) from None
    scheme = url.drivername.partition("+")[0]
    if scheme not in _DRIVERS:
        raise SettingsError(
            f"database begins with {scheme}://; it must be postgresql://, mariadb:// or mysql://."
        )
    extra, driver, product = _DRIVERS[scheme]
    if not url.database:
        raise SettingsError(f"database names no database: {scheme}://user:password@host/NAME.")
    if importlib.util.find_spec(driver) is None:
        raise SettingsError(f"{product} needs a package more: pip install 'frontdesk[{extra}]'.")
    kind = cast(Kind, importlib.import_module(f"frontdesk.store.{extra}"))
    return Server(url, kind, product, connections)


class Server:
    """A database on a server."""

    def __init__(self, url: sa.URL, kind: Kind, product: str, connections: int) -> None:
        self._kind = kind
        port = f":{url.port}" if url.port else ""
        self.name = f"{product} database {url.database} on {url.host or 'localhost'}{port}"
        self._engine = self._made_engine(url.set(drivername=kind.DRIVER), connections)
        self._engines = {way: self._engine.execution_options(**{_OPENING: way}) for way in Opening}
        self._lines = [
            Line(functools.partial(self._write, opening=Opening.WRITE)) for _ in range(turns.TURNS)
        ]

    def _made_engine(self, url: sa.URL, connections: int) -> sa.Engine:
        kind = self._kind
        engine = sa.create_engine(
            url,
            connect_args=kind.CONNECT,
            pool_size=max(connections, 2),
            max_overflow=0,
            pool_timeout=_WAIT_FOR_CONNECTION_S,
            pool_recycle=_RECYCLE_S,
            pool_use_lifo=True,
            hide_parameters=True,  # errors go to the log; what people sent, and digests of secrets, do not
            pool_reset_on_return=None,  # a transaction that is not over is undone before its connection goes back
            json_serializer=lambda value: msgspec.json.encode(value).decode(),
            json_deserializer=msgspec.json.decode,
        )

        @sa.event.listens_for(engine, "connect")
        def configure(connection: Any, record: object) -> None:
            kind.configure(connection)

        @sa.event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            for part in (clock, turns, stream):
                part.forget(connection)
            kind.begin(connection, connection.get_execution_options()[_OPENING])

        return engine

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database."""
        with self._refusing(), self._begun(Opening.READ) as connection:
            yield connection

    def write(self, write: Callable[[sa.Connection], T], durable: bool, turn: str | None) -> T:
        """Run `write` in a transaction and give its result once that is committed; with others of the same turn."""
        if turn is not None:
            return self._lines[turns.number_of(turn)].write(write)
        return self._write(write, Opening.WRITE if durable else Opening.WRITE_SOFTLY)

    def is_made(self) -> bool:
        """A database on a server is made by its administrator."""
        return True

    @contextlib.contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """A connection that nobody else has at the same time."""
        with self._refusing(), self._begun(Opening.WRITE) as connection:
            self._kind.lock_for_migration(connection)
            try:
                yield connection
                connection.commit()
            finally:
                with contextlib.suppress(Exception):  # who lost the connection has lost the lock with it
                    self._kind.unlock_after_migration(connection)

    def rows_bytes(self, connection: sa.Connection) -> int:
        """What jobs hold, added up: servers keep the room of what was deleted, so their files do not tell."""
        documents = "coalesce(length(payload), 0) + coalesce(length(outputs), 0)"
        query = f"SELECT sum({documents} + {_BYTES_BESIDES}) FROM jobs"  # noqa: S608  (nothing of anybody else's)
        return int(connection.exec_driver_sql(query).scalar() or 0)

    # ------------------------------------------------------------------------------------

    def _write(self, write: Callable[[sa.Connection], T], opening: Opening) -> T:
        with self._refusing():
            for attempt in range(_ATTEMPTS):
                try:
                    with self._begun(opening) as connection:
                        result = write(connection)
                        stream.finish(connection)
                        connection.commit()
                        return result
                except Exception as error:
                    if self._fault_of(error) is not Fault.COLLISION or attempt == _ATTEMPTS - 1:
                        raise
                # All who collided come back, and not all at the same time.
                time.sleep(random.uniform(0, min(0.01 * 2**attempt, _LONGEST_PAUSE_S)))
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _begun(self, opening: Opening) -> Iterator[sa.Connection]:
        """A connection in a transaction. Where those of the pool died meanwhile, a new one."""
        try:
            connection = self._opened(opening)
        except Exception as error:
            if self._fault_of(error) is not Fault.AWAY or isinstance(error, sa.exc.TimeoutError):
                raise
            self._engine.dispose()
            connection = self._opened(opening)
        with connection:
            yield connection

    def _opened(self, opening: Opening) -> sa.Connection:
        connection = self._engines[opening].connect()
        try:
            connection.begin()
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Say in one sentence what may pass, and what an administrator has to mend.

        Whoever asked hears neither the server's name nor its words; the log does.
        """
        try:
            yield
        except Exception as error:
            reason = " ".join(str(getattr(error, "orig", None) or error).split())
            match self._fault_of(error):
                case Fault.OURS:
                    raise
                case Fault.REFUSED:
                    log.error("%s cannot be used: %s", self.name, reason)
                    raise StoreRefused(self.name, reason) from error
                case Fault.COLLISION:
                    raise StoreUnavailable(_TOO_BUSY) from error
            log.warning("%s is not there: %s", self.name, reason)
            raise StoreUnavailable(_NOT_THERE) from error

    def _fault_of(self, error: Exception) -> Fault:
        if isinstance(error, sa.exc.TimeoutError):
            return Fault.AWAY  # no connection of the pool was free in time
        if isinstance(error, sa.exc.DBAPIError):
            return Fault.AWAY if error.connection_invalidated else self._kind.fault_of(cast(Any, error.orig))
        return self._kind.fault_of(error)
