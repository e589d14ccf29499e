"""A desk on a real database; Alice and Bob have jobs there, Charlie must see nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.queue import Desk
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from support.databases import DATABASES
from support.desks import Office, open_office

MakeDesk = Callable[..., Desk]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(DATABASES.of(tmp_path))
    database.migrate()
    yield database
    database.close()
    DATABASES.give_back(tmp_path)


@pytest.fixture
def files(database: Database, tmp_path: Path) -> StoredFiles:
    return StoredFiles(database, FolderBlobs(tmp_path / "files"))


@pytest.fixture
def engine() -> QuietEngine:
    return QuietEngine()


@pytest.fixture
def make_desk(database: Database, files: StoredFiles, engine: QuietEngine) -> MakeDesk:
    def make(**limits: float) -> Desk:
        return Desk(database, engine, DeskLimits(**limits), files)  # type: ignore[arg-type]

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("template") / "frontdesk.db"
    database = Database.open(path)
    database.migrate()
    database.close()
    return path


@pytest.fixture
def office(tmp_path: Path, empty_database: Path) -> Iterator[Office]:
    """A desk nobody has been to, and what it stands on."""
    with open_office(tmp_path / "office", empty_database) as office:
        yield office
