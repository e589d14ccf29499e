"""Which database tests run on: FRONTDESK_TEST_DATABASE is `sqlite`, as without it, `postgresql` or `mariadb`.

A server is started when the first test needs it and serves the whole run, with a database for each data folder. It
skips the disk: what tests kill is our processes, never it. Those that are about the server itself start their own.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

# So that all tables are known.
import frontdesk.store.access_tables
import frontdesk.store.monitor_tables
import frontdesk.store.telling_tables  # noqa: F401
from frontdesk.store.database import Database
from frontdesk.store.tables import metadata
from support.servers.mariadb import MariaDb
from support.servers.postgres import Postgres

KIND = os.environ.get("FRONTDESK_TEST_DATABASE", "sqlite")
SERVERS = {"postgresql": Postgres, "mariadb": MariaDb}
_DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}
_KEPT = ("turns",)  # filled when they are made, and only ever locked


class Databases:
    """The databases of one run."""

    def __init__(self) -> None:
        self._server: Postgres | MariaDb | None = None
        self._of_folder: dict[Path, str] = {}
        self._empty: list[str] = []
        self._template = ""

    def close(self) -> None:
        """End the server, if there is one."""
        if self._server is not None:
            self._server.close()

    def of(self, folder: Path) -> Path | str:
        """Where the rows of this data folder are: always in the same place. It has tables, unless it is a file."""
        if KIND == "sqlite":
            return folder / "frontdesk.db"
        if folder not in self._of_folder:
            self._of_folder[folder] = self._empty.pop() if self._empty else self._made()
        return self._of_folder[folder]

    def url_of(self, folder: Path) -> str:
        """What FRONTDESK_DATABASE is for this data folder."""
        return "" if KIND == "sqlite" else str(self.of(folder))

    def give_back(self, folder: Path) -> None:
        """The folder is not needed any more: another one may have its database, emptied."""
        if (url := self._of_folder.pop(folder, None)) is not None:
            empty(url)
            self._empty.append(url)

    def rows(self, folder: Path, query: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """What the database itself says, past all our own code. Values stand in the query as `:name`."""
        return rows_at(self.of(folder), query, **values)

    def _made(self) -> str:
        if self._server is None:
            self._server = SERVERS[KIND](durable=False)
            self._server.__enter__()
        if isinstance(self._server, Postgres) and self._template:
            return self._server.new_database(self._template)
        url = self._server.new_database()
        _migrate(url)
        if isinstance(self._server, Postgres):
            self._template = re.sub(".*/", "", url)  # copied from now on, which is quicker
            return self._server.new_database(self._template)
        return url


DATABASES = Databases()


def rows_at(place: Path | str, query: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    """The same of any database: a file of SQLite's, or a URL."""
    with _engine(place).begin() as connection:
        result = connection.execute(sa.text(query), values)
        return [tuple(row) for row in result] if result.returns_rows else []


def _migrate(url: str) -> None:
    database = Database.open(url)
    database.migrate()
    database.close()


def empty(url: str) -> None:
    """Leave tables without rows."""
    with _engine(url).begin() as connection:
        for table in metadata.sorted_tables:
            if table.name not in _KEPT:
                connection.execute(sa.delete(table))


@functools.cache
def _engine(place: Path | str) -> sa.Engine:
    """One that keeps no connection open, and all it once learned of the server."""
    url = f"sqlite:///{place}" if isinstance(place, Path) else _driver_url(place)
    return sa.create_engine(url, poolclass=sa.NullPool)


def _driver_url(text: str) -> sa.URL:
    url = sa.make_url(text)
    return url.set(drivername=_DRIVERS[url.drivername])
