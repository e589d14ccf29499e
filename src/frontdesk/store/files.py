"""Files by id: uploads, inputs of jobs, results. Bytes in a folder, everything else in a row."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

import msgspec
import sqlalchemy as sa

from frontdesk.errors import NotFound
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.tables import files as table

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

    def remove(self, file_id: str) -> None:
        """Let it go."""


class FolderFiles:
    """A file store in a folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

    def add(self, owner: str, name: str, media_type: str, chunks: Iterable[bytes] | bytes) -> StoredFile:
        """Keep these bytes; they are on the disk when this returns."""
        file_id = new_id()
        path = self._path(file_id)
        path.parent.mkdir(parents=True, exist_ok=True)
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
            # A crash from here to the commit of the row leaves a file without a row; `sweep` removes it.
            draft.rename(path)
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

    def remove(self, file_id: str) -> None:
        """Let it go."""
        self._database.write(lambda c: c.execute(sa.delete(table).where(table.c.id == file_id)))
        self.discard([file_id])

    def discard(self, file_ids: Iterable[str]) -> None:
        """Remove the bytes of files whose rows are gone already. A crash before it leaves them to `sweep`."""
        for file_id in file_ids:
            self._path(file_id).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what crashes left: drafts and files without a row, an hour old so that none is still being made."""
        old = time.time() - _ORPHAN_AFTER_S
        found = [path for path in self._all_paths() if path.stat().st_mtime < old]
        for start in range(0, len(found), 500):
            part = found[start : start + 500]
            with self._database.read() as connection:
                known = set(
                    connection.execute(
                        sa.select(table.c.id).where(table.c.id.in_([p.stem for p in part]))
                    ).scalars()
                )
            for path in part:
                if path.suffix or path.stem not in known:
                    path.unlink(missing_ok=True)

    def _all_paths(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("*/*") if path.is_file())

    def _path(self, file_id: str) -> Path:
        # The end of an id is random, so files spread evenly over 256 folders.
        return self._folder / file_id[-2:] / file_id
