"""Files by id: uploads, inputs of jobs, results. Bytes in a folder, everything else in a row."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec
import sqlalchemy as sa

from frontdesk.errors import Conflict, NotFound
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.tables import files as table
from frontdesk.store.tables import job_files

_ORPHAN_AFTER_S = 3600.0


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file."""

    id: str
    owner: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime


class FileStore(Protocol):
    """Where files stay. All verbs raise NotFound for an unknown id, except `remove`, for which it is done."""

    def add(self, owner: str, name: str, media_type: str, chunks: Iterable[bytes] | bytes) -> StoredFile:
        """Keep these bytes; they are on the disk when this returns."""

    def get(self, file_id: str) -> StoredFile:
        """What is known of it."""

    def open(self, file_id: str) -> IO[bytes]:
        """Its bytes, to be read and closed by the caller."""

    def read(self, file_id: str) -> bytes:
        """Its bytes at once."""

    def local(self, file_id: str) -> AbstractContextManager[Path]:
        """Its bytes as a file on this machine, to be read until the block ends."""

    def owned(self, owner: str, ending: str, limit: int) -> list[StoredFile]:
        """The newest of an owner's files whose names end so."""

    def unheld(self, owner: str, endings: tuple[str, ...], limit: int) -> list[StoredFile]:
        """The oldest of an owner's files that no job holds and whose names end so."""

    def remove(self, file_id: str) -> None:
        """Let it go. Raises Conflict while a job holds it."""


class FolderFiles:
    """A file store in a folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

    def add(self, owner: str, name: str, media_type: str, chunks: Iterable[bytes] | bytes) -> StoredFile:
        """Keep these bytes; they are on the disk when this returns."""
        file_id = new_id()
        path = self._path(file_id)
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(self._folder)
        draft = path.with_suffix(".part")
        digest, size = hashlib.sha256(), 0
        try:
            with draft.open("xb") as out:
                for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            # A crash before the next line leaves a draft, one after it a file without a row: `sweep` removes both.
            draft.rename(path)
            _sync_folder(path.parent)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        stored = StoredFile(
            id=file_id, owner=owner, name=name, media_type=media_type,
            size_bytes=size, sha256=digest.hexdigest(), created_at=datetime.now(UTC),
        )  # fmt: skip
        self._database.write(lambda c: c.execute(sa.insert(table).values(**msgspec.structs.asdict(stored))))
        return stored

    def get(self, file_id: str) -> StoredFile:
        """What is known of it."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == file_id)).first()
        if row is None:
            raise NotFound("There is no such file.")
        return StoredFile(**row._asdict())

    def open(self, file_id: str) -> IO[bytes]:
        """Its bytes, to be read and closed by the caller."""
        stored = self.get(file_id)
        try:
            return self._path(stored.id).open("rb")
        except FileNotFoundError:
            raise NotFound("There is no such file.") from None

    def read(self, file_id: str) -> bytes:
        """Its bytes at once."""
        with self.open(file_id) as content:
            return content.read()

    @contextlib.contextmanager
    def local(self, file_id: str) -> Iterator[Path]:
        """Its bytes as a file on this machine, to be read until the block ends."""
        path = self._path(self.get(file_id).id)
        if not path.is_file():
            raise NotFound("There is no such file.")
        yield path

    def owned(self, owner: str, ending: str, limit: int) -> list[StoredFile]:
        """The newest of an owner's files whose names end so."""
        is_one = sa.and_(
            table.c.owner == owner, sa.func.lower(table.c.name).endswith(ending, autoescape=True)
        )
        return self._list(sa.select(table).where(is_one).order_by(table.c.id.desc()).limit(limit))

    def unheld(self, owner: str, endings: tuple[str, ...], limit: int) -> list[StoredFile]:
        """The oldest of an owner's files that no job holds and whose names end so."""
        is_held = sa.exists().where(job_files.c.file == table.c.id)
        ends_so = [sa.func.lower(table.c.name).endswith(ending, autoescape=True) for ending in endings]
        query = sa.select(table).where(table.c.owner == owner, sa.or_(*ends_so), ~is_held)
        return self._list(query.order_by(table.c.id).limit(limit))

    def _list(self, query: sa.Select[Any]) -> list[StoredFile]:
        with self._database.read() as connection:
            return [StoredFile(**row._asdict()) for row in connection.execute(query)]

    def remove(self, file_id: str) -> None:
        """Let it go. Raises Conflict while a job holds it."""

        def write(connection: sa.Connection) -> None:
            if connection.execute(sa.select(job_files).where(job_files.c.file == file_id).limit(1)).first():
                raise Conflict("A job holds this file; it goes with the job.")
            connection.execute(sa.delete(table).where(table.c.id == file_id))

        self._database.write(write)
        self.discard([file_id])

    def discard(self, file_ids: Iterable[str]) -> None:
        """Remove the bytes of files whose rows are gone already. A crash before it leaves them to `sweep`."""
        for file_id in file_ids:
            self._path(file_id).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what crashes left: drafts and files without a row, an hour old so that none is still being made."""
        old = time.time() - _ORPHAN_AFTER_S
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            found = [path for path in folder.iterdir() if _is_older(path, old)]
            known = self._known([path.name for path in found])
            for path in found:
                if path.name not in known:
                    path.unlink(missing_ok=True)

    def _known(self, file_ids: list[str]) -> set[str]:
        known: set[str] = set()
        with self._database.read() as connection:
            for start in range(0, len(file_ids), 500):
                query = sa.select(table.c.id).where(table.c.id.in_(file_ids[start : start + 500]))
                known.update(connection.execute(query).scalars())
        return known

    def _path(self, file_id: str) -> Path:
        # The end of an id is random, so files spread evenly over 256 folders.
        return self._folder / file_id[-2:] / file_id


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, which syncing the files alone does not do."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime < moment
    except FileNotFoundError:  # somebody was faster
        return False
