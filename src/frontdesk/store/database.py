"""The database of an installation: SQLite in the data folder, or a server that many machines share."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from frontdesk.errors import SettingsError, StoreRefused, StoreUnavailable
from frontdesk.store.backend import Backend
from frontdesk.store.server import open_server
from frontdesk.store.sqlite import Sqlite

T = TypeVar("T")

SCHEMA_VERSION = "0013"
_LOOK_AGAIN_S = 0.5


class Database:
    """Rows, read and written with SQLAlchemy Core."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.name = backend.name

    @classmethod
    def open(cls, where: Path | str, *, connections: int = 20) -> Database:
        """The SQLite database in this file, or the one at this URL; `migrate` makes its tables.

        Raises SettingsError for a URL that is none, or whose driver is not installed.
        """
        return cls(Sqlite(where) if isinstance(where, Path) else open_server(where, connections))

    def close(self) -> None:
        """Write what waits, then let go of it."""
        self._backend.close()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the database for the length of the block. Raises StoreUnavailable."""
        with self._backend.reading() as connection:
            yield connection

    def write(
        self, write: Callable[[sa.Connection], T], *, durable: bool = True, turn: str | None = None
    ) -> T:
        """Run `write` in a transaction and give its result once that is committed.

        `turn` names the one turn it takes (see `turns`), if it begins with that: such writes of a process share
        transactions, and are durable.

        It may run on another thread, together with others' writes or more than once, so it must be short and touch
        nothing but its connection. An exception of its own undoes only its own changes and is raised here.
        Raises StoreUnavailable.
        """
        return self._backend.write(write, durable, turn)

    def rows_bytes(self, connection: sa.Connection) -> int:
        """What the rows take, or about that."""
        return self._backend.rows_bytes(connection)

    def migrate(self, *, wait_s: float = 0.0) -> None:
        """Bring the tables up to date. Cheap when they are; safe when several processes start at once.

        A process that dies on the way leaves tables that the next one brings up to date. A server that is not there yet
        is waited for. Raises StoreUnavailable, SettingsError.
        """
        end = time.monotonic() + wait_s
        while True:
            try:
                return self._migrate()
            except StoreRefused as error:
                raise SettingsError(f"The {error.name} cannot be used: {error.reason}") from error
            except StoreUnavailable:
                if time.monotonic() > end:
                    raise
                time.sleep(_LOOK_AGAIN_S)

    def _migrate(self) -> None:
        if self.version() == SCHEMA_VERSION:
            return
        with self._backend.migrating() as connection:
            if self._version(connection) != SCHEMA_VERSION:
                _upgrade(connection)

    def version(self) -> str:
        """Which migration the tables have reached, "" for none. Raises StoreUnavailable, SettingsError."""
        if not self._backend.is_made():
            return ""
        with self.read() as connection:
            return self._version(connection)

    def _version(self, connection: sa.Connection) -> str:
        """Which migration the tables have reached; raises SettingsError when this frontdesk does not know it."""
        if not sa.inspect(connection).has_table("alembic_version"):
            return ""
        version = connection.execute(sa.text("select version_num from alembic_version")).scalar() or ""
        if version > SCHEMA_VERSION:
            raise SettingsError(
                f"{self.name} was written by a newer frontdesk (its tables are at {version}, this one knows "
                f"{SCHEMA_VERSION}). Install that version, or choose another database."
            )
        return str(version)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # a third of a second to import, and needed once in the life of a database
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
