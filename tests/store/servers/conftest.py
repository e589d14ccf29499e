"""Each test here runs on a real PostgreSQL and a real MariaDB server, in a database of its own."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest

from frontdesk.store.database import Database
from support.databases import empty
from support.servers.mariadb import MariaDb
from support.servers.postgres import Postgres

AnyServer = Postgres | MariaDb


Starter = Callable[[type[AnyServer]], AnyServer]


@pytest.fixture(scope="session")
def started() -> Iterator[Starter]:
    """Starts each server once: a fixture with two parameters alone would begin again with every file."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda kind: stack.enter_context(kind(durable=False)))


@pytest.fixture(scope="session", params=[Postgres, MariaDb], ids=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest, started: Starter) -> AnyServer:
    return started(request.param)


@pytest.fixture
def url(server: AnyServer) -> str:
    return server.new_database()


@pytest.fixture(scope="session")
def one_url(server: AnyServer) -> str:
    """A database with tables."""
    url = server.new_database()
    database = Database.open(url)
    database.migrate()
    database.close()
    return url


@pytest.fixture
def database(one_url: str) -> Iterator[Database]:
    """The same database for each test, empty."""
    empty(one_url)
    database = Database.open(one_url)
    yield database
    database.close()


@pytest.fixture
def other(database: Database, one_url: str) -> Iterator[Database]:
    """The same one, as another process has it."""
    other = Database.open(one_url)
    yield other
    other.close()
