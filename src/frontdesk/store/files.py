"""Files by id: uploads, inputs of jobs, results. Bytes in a folder or a bucket (`blobs`), everything else in a row."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec
import sqlalchemy as sa

from frontdesk.errors import Conflict, NotFound, QuotaExceeded, StoreUnavailable
from frontdesk.store import turns
from frontdesk.store.blobs import ORPHAN_AFTER_S, Blobs, Label
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.tables import files as table
from frontdesk.store.tables import job_files
from frontdesk.store.verified import Kept

log = logging.getLogger(__name__)

_LOOKED_FOR_AT_ONCE = 500


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
    """Where files stay. All verbs raise NotFound for an unknown id, except `remove`, for which it is done.

    Those that read a file to its end verify it: they raise FileDamaged rather than give what was not kept.
    """

    def add(
        self, owner: str, name: str, media_type: str, chunks: Iterable[bytes] | bytes, *, limit_bytes: int = 0
    ) -> StoredFile:
        """Keep these bytes; they survive a power cut when this returns.

        Raises QuotaExceeded where the owner would then have more than the limit, which is none where it is 0.
        """

    def get(self, file_id: str) -> StoredFile:
        """What is known of it."""

    def open(self, file_id: str) -> IO[bytes]:
        """Its bytes, to be read and closed by the caller."""

    def read(self, file_id: str) -> bytes:
        """Its bytes at once."""

    def local(self, file_id: str) -> AbstractContextManager[Path]:
        """Its bytes as a file on this machine, to be read until the block ends."""

    def link(self, file_id: str, lifetime_s: float) -> str | None:
        """An address to get it from without us, good for so long, where the storage has such a thing."""

    def owned(self, owner: str, ending: str, limit: int) -> list[StoredFile]:
        """The newest of an owner's files whose names end so."""

    def unheld(self, owner: str, endings: tuple[str, ...], limit: int) -> list[StoredFile]:
        """The oldest of an owner's files that no job holds and whose names end so."""

    def remove(self, file_id: str) -> None:
        """Let it go. Raises Conflict while a job holds it."""


class StoredFiles:
    """A file store: rows in the database, bytes wherever `blobs` has them."""

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database, self._blobs = database, blobs

    def add(
        self, owner: str, name: str, media_type: str, chunks: Iterable[bytes] | bytes, *, limit_bytes: int = 0
    ) -> StoredFile:
        """Keep these bytes; they survive a power cut when this returns. Raises QuotaExceeded."""
        file_id = new_id()
        pieces = (chunks,) if isinstance(chunks, bytes) else chunks
        kept = self._blobs.put(key_of(file_id), pieces, Label(name=name, media_type=media_type))
        # A crash before the row is written leaves bytes that no row names: `sweep` removes them.

        def write(connection: sa.Connection) -> StoredFile:
            turns.take(connection, [owner])  # of two that fit one by one, not both at once
            refuse_more_bytes(connection, owner, kept.size_bytes, limit_bytes)
            stored = StoredFile(
                id=file_id, owner=owner, name=name, media_type=media_type,
                size_bytes=kept.size_bytes, sha256=kept.sha256, created_at=now(connection),
            )  # fmt: skip
            connection.execute(sa.insert(table).values(**msgspec.structs.asdict(stored)))
            return stored

        try:
            return self._database.write(write, turn=owner)
        except QuotaExceeded:
            self.discard([file_id])
            raise

    def get(self, file_id: str) -> StoredFile:
        """What is known of it."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(table).where(table.c.id == file_id)).first()
        if row is None:
            raise NotFound("There is no such file.")
        return StoredFile(**row._asdict())

    def open(self, file_id: str) -> IO[bytes]:
        """Its bytes from front to back, to be read and closed by the caller."""
        stored = self.get(file_id)
        return self._blobs.open(key_of(stored.id), _kept(stored), stored.name)

    def read(self, file_id: str) -> bytes:
        """Its bytes at once."""
        with self.open(file_id) as content:
            return content.read()

    def local(self, file_id: str) -> AbstractContextManager[Path]:
        """Its bytes as a file on this machine, to be read until the block ends."""
        stored = self.get(file_id)
        return self._blobs.local(key_of(stored.id), _kept(stored), stored.name)

    def link(self, file_id: str, lifetime_s: float) -> str | None:
        """An address to get it from without us, good for so long, where the storage has such a thing."""
        return self._blobs.link(key_of(file_id), lifetime_s)

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
            # Locked first: a job that takes it on locks it, too.
            connection.execute(sa.select(table.c.id).where(table.c.id == file_id).with_for_update()).all()
            if connection.execute(sa.select(job_files).where(job_files.c.file == file_id).limit(1)).first():
                raise Conflict("A job holds this file; it goes with the job.")
            connection.execute(sa.delete(table).where(table.c.id == file_id))

        self._database.write(write)
        self.discard([file_id])

    def discard(self, file_ids: Iterable[str]) -> None:
        """Remove the bytes of files whose rows are gone already. What is not removed now is left to `sweep`."""
        try:
            self._blobs.remove(key_of(file_id) for file_id in file_ids)
        except StoreUnavailable as error:
            log.warning("files that nobody holds any more are removed later: %s", error)

    def sweep(self) -> None:
        """Remove what crashes left: drafts, and bytes without a row that are an hour old, so none still being made."""
        self._blobs.remove_drafts(ORPHAN_AFTER_S)
        for keys in self._blobs.old("", ORPHAN_AFTER_S):
            by_id = {key.rpartition("/")[2]: key for key in keys}
            known = self._known([*by_id])
            self._blobs.remove(key for file_id, key in by_id.items() if file_id not in known)

    def _known(self, file_ids: list[str]) -> set[str]:
        known: set[str] = set()
        with self._database.read() as connection:
            for start in range(0, len(file_ids), _LOOKED_FOR_AT_ONCE):
                some = file_ids[start : start + _LOOKED_FOR_AT_ONCE]
                known.update(connection.execute(sa.select(table.c.id).where(table.c.id.in_(some))).scalars())
        return known


def stored_bytes(connection: sa.Connection, owner: str) -> int:
    """How much an owner has stored."""
    query = sa.select(sa.func.coalesce(sa.func.sum(table.c.size_bytes), 0)).where(table.c.owner == owner)
    return int(connection.execute(query).scalar_one())


def refuse_more_bytes(connection: sa.Connection, owner: str, more_bytes: int, limit_bytes: int) -> None:
    """Raises QuotaExceeded when the owner would have more than the limit with this many bytes more (0: no limit)."""
    if limit_bytes and (used := stored_bytes(connection, owner)) + more_bytes > limit_bytes:
        raise QuotaExceeded(
            f"You have stored {used:,} of {limit_bytes:,} bytes, and this is {more_bytes:,} more. "
            "Remove files or jobs you no longer need."
        )


def key_of(file_id: str) -> str:
    """Under which key its bytes lie."""
    # The end of an id is random, so files spread evenly over 256 folders.
    return f"{file_id[-2:]}/{file_id}"


def _kept(stored: StoredFile) -> Kept:
    return Kept(size_bytes=stored.size_bytes, sha256=stored.sha256)
