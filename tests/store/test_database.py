"""Group commits: who waits is served together, and one that fails hurts nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from frontdesk.errors import NotFound
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "d.db")
    database.migrate()
    database.write(lambda c: c.execute(sa.text("create table t (n integer primary key)")))
    yield database
    database.close()


def insert(database: Database, number: int) -> None:
    database.write(lambda c: c.execute(sa.text(f"insert into t values ({number})")))


def test_a_write_that_fails_undoes_itself_and_no_other(database: Database) -> None:
    insert(database, 1)
    refused: list[int] = []

    def write(number: int) -> None:
        try:
            insert(database, number)
        except sa.exc.IntegrityError:
            refused.append(number)

    writers = [threading.Thread(target=write, args=(n % 20,)) for n in range(60)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with database.read() as connection:
        assert sorted(connection.execute(sa.text("select n from t")).scalars()) == list(range(20))
    assert len(refused) == 41


def test_the_journal_and_synchronisation_are_as_documented(database: Database) -> None:
    with database.read() as connection:
        assert connection.execute(sa.text("pragma journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("pragma synchronous")).scalar() == 2


def test_what_waits_is_written_before_it_closes(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "e.db")
    database.migrate()
    files = StoredFiles(database, FolderBlobs(tmp_path / "files"))
    stored = files.add("alice", "a.txt", "text/plain", [b"one ", b"two"])
    database.close()
    again = Database.open(tmp_path / "e.db")
    assert StoredFiles(again, tmp_path / "files").get(stored.id) == stored
    again.close()


def test_files_are_kept_whole_and_gone_when_removed(database: Database, tmp_path: Path) -> None:
    files = StoredFiles(database, FolderBlobs(tmp_path / "files"))
    stored = files.add("alice", "a.txt", "text/plain", [b"one ", b"two"])
    assert (files.read(stored.id), stored.size_bytes) == (b"one two", 7)
    files.remove(stored.id)
    with pytest.raises(NotFound):
        files.open(stored.id)
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_an_upload_that_breaks_off_leaves_nothing(database: Database, tmp_path: Path) -> None:
    files = StoredFiles(database, FolderBlobs(tmp_path / "files"))

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        files.add("alice", "a.txt", "text/plain", broken())
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_an_error_says_nothing_of_what_was_to_be_written(database: Database) -> None:
    with pytest.raises(sa.exc.OperationalError) as refusal:
        database.write(lambda c: c.execute(sa.text("insert into nowhere values (:x)"), {"x": "a secret"}))
    assert "nowhere" in str(refusal.value)
    assert "a secret" not in str(refusal.value)
