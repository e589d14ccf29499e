"""Bytes under keys: where files, and all else that machines share, lie. In a folder here; `bucket` has the other.

A key is a few names with strokes between. What is put under it is there whole or not at all, and is never changed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

import msgspec

from frontdesk.errors import NotFound
from frontdesk.store.verified import Kept, Measure, open_verified, read_through

ORPHAN_AFTER_S = 3600.0


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who gets the bytes without us is told of them."""

    name: str
    media_type: str = "application/octet-stream"


class Blobs(Protocol):
    """Where bytes lie. Reading raises NotFound for an unknown key; every verb may raise StoreUnavailable."""

    def put(self, key: str, chunks: Iterable[bytes], label: Label) -> Kept:
        """Keep these; they survive a power cut when this returns."""

    def open(self, key: str, expected: Kept, name: str) -> IO[bytes]:
        """Read them from front to back. Raises FileDamaged before the last of them where they are not as expected."""

    def local(self, key: str, expected: Kept, name: str) -> AbstractContextManager[Path]:
        """As a file on this machine, verified, to be read until the block ends."""

    def remove(self, keys: Iterable[str]) -> None:
        """Forget them, whether they are there or not."""

    def old(self, prefix: str, older_than_s: float) -> Iterator[list[str]]:
        """The keys that begin so and are as old, a page at a time."""

    def remove_drafts(self, older_than_s: float) -> None:
        """Remove what was begun and never finished, and is as old: so old that nobody is still at it."""

    def link(self, key: str, lifetime_s: float) -> str | None:
        """An address that anybody can get it from for so long, where there is such a thing."""


class FolderBlobs:
    """Bytes in files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, chunks: Iterable[bytes], label: Label) -> Kept:
        """Keep these; they are on the disk when this returns."""
        path = self._folder / key
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(path.parent.parent)
        draft = path.with_suffix(".part")
        measure = Measure()
        try:
            with draft.open("xb") as out:
                for chunk in measure.through(chunks):
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            # A crash before the next line leaves a draft, which `remove_drafts` finds.
            draft.rename(path)
            _sync_folder(path.parent)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return measure.kept()

    def open(self, key: str, expected: Kept, name: str) -> IO[bytes]:
        """Read it from front to back, verified."""
        try:
            return open_verified((self._folder / key).open("rb"), expected, name)
        except FileNotFoundError:
            raise NotFound("There is no such file.") from None

    @contextlib.contextmanager
    def local(self, key: str, expected: Kept, name: str) -> Iterator[Path]:
        """The file itself."""
        read_through(self.open(key, expected, name))
        yield self._folder / key

    def remove(self, keys: Iterable[str]) -> None:
        """Forget them."""
        for key in keys:
            (self._folder / key).unlink(missing_ok=True)

    def old(self, prefix: str, older_than_s: float) -> Iterator[list[str]]:
        """The keys that begin so, a folder at a time."""
        moment = time.time() - older_than_s
        for folder, _, names in os.walk(self._folder):
            paths = [Path(folder) / name for name in names if not name.endswith(".part")]
            found = [str(path.relative_to(self._folder)) for path in paths if _is_older(path, moment)]
            yield [key for key in found if key.startswith(prefix)]

    def remove_drafts(self, older_than_s: float) -> None:
        """Remove what crashes left half written."""
        moment = time.time() - older_than_s
        for draft in self._folder.rglob("*.part"):
            if _is_older(draft, moment):
                draft.unlink(missing_ok=True)

    def link(self, key: str, lifetime_s: float) -> str | None:
        """There is no way to it but through us."""
        return None


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
