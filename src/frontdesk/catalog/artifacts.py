"""Where the files of versions lie: in folders of this machine, or packed in a bucket and fetched to be used."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from frontdesk.errors import StoreUnavailable
from frontdesk.store.archives import packed_folder, unpack
from frontdesk.store.blobs import Blobs, Label
from frontdesk.store.cache import Cache
from frontdesk.store.verified import Kept

log = logging.getLogger(__name__)

_LEFT_BEHIND_S = 86_400.0


class Artifacts(Protocol):
    """Where they lie. `key` is TASK/MODEL/ID of a version."""

    def place(self, key: str) -> Path:
        """Its folder, where it has one here."""

    def put(self, key: str, staged: Path) -> Kept | None:
        """Keep this folder, which is gone afterwards; give its archive, if one was made. Raises StoreUnavailable."""

    def hold(self, key: str, archive: Kept | None, name: str) -> AbstractContextManager[Path]:
        """Its folder here, whole and verified, until the block ends. Raises StoreUnavailable, FileDamaged."""

    def remove(self, key: str) -> None:
        """Forget it. A crash before the end leaves it to `remove_left_behind`."""

    def remove_left_behind(self, model: str, known: Collection[str]) -> None:
        """Forget what lies below TASK/MODEL, is a day old and has none of these ids: it never came to be a version."""


class FolderArtifacts:
    """Each in a folder below one of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, key: str) -> Path:
        """Its folder."""
        return self._folder / key

    def put(self, key: str, staged: Path) -> None:
        """Move it, and have it on the disk: a version that was acknowledged survives power loss."""
        place = self.place(key)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(staged, place)
        for path in [*place.rglob("*"), place, place.parent]:
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                continue
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def hold(self, key: str, archive: Kept | None, name: str) -> AbstractContextManager[Path]:
        """The folder itself."""
        return contextlib.nullcontext(self.place(key))

    def remove(self, key: str) -> None:
        """Delete the folder."""
        shutil.rmtree(self.place(key), ignore_errors=True)

    def remove_left_behind(self, model: str, known: Collection[str]) -> None:
        """Delete folders that no row names."""
        folder = self._folder / model
        for left in folder.iterdir() if folder.is_dir() else ():
            if left.name not in known and time.time() - left.stat().st_ctime > _LEFT_BEHIND_S:
                shutil.rmtree(left, ignore_errors=True)


class PackedArtifacts:
    """Each a tar in a bucket, unpacked once on each machine that uses it. Those from before it lie in their folders."""

    def __init__(self, blobs: Blobs, cache: Cache, earlier: FolderArtifacts) -> None:
        self._blobs, self._cache, self._earlier = blobs, cache, earlier

    def place(self, key: str) -> Path:
        """Where it lies if it is from before."""
        return self._earlier.place(key)

    def put(self, key: str, staged: Path) -> Kept:
        """Send it, and keep it here as well: whoever made it is likely to use it."""
        label = Label(name=f"{key.rpartition('/')[2]}.tar", media_type="application/x-tar")
        archive = self._blobs.put(f"{key}.tar", packed_folder(staged), label)
        self._cache.adopt(_entry(key), staged)
        shutil.rmtree(staged, ignore_errors=True)
        return archive

    def hold(self, key: str, archive: Kept | None, name: str) -> AbstractContextManager[Path]:
        """The folder, fetched unless it is here."""
        if archive is None:
            return self._earlier.hold(key, None, name)

        def fetch(folder: Path) -> None:
            with self._blobs.open(f"{key}.tar", archive, name) as content:
                unpack(content, folder, name)

        return self._cache.hold(_entry(key), fetch)

    def remove(self, key: str) -> None:
        """Delete it there; here it goes when its room is needed."""
        self._blobs.remove([f"{key}.tar"])
        self._earlier.remove(key)

    def remove_left_behind(self, model: str, known: Collection[str]) -> None:
        """Delete archives that no row names."""
        names = {f"{model}/{version_id}.tar" for version_id in known}
        try:
            for page in self._blobs.old(f"{model}/", _LEFT_BEHIND_S):
                self._blobs.remove(key for key in page if key not in names)
            self._blobs.remove_drafts(_LEFT_BEHIND_S)
        except StoreUnavailable as error:
            log.warning("what was left of versions of %s is removed later: %s", model, error)


def size_of(folder: Path) -> int:
    """The bytes of all files in it."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _entry(key: str) -> str:
    return f"version-{key.rpartition('/')[2]}"


def artifacts_in(folder: Path, blobs: Blobs | None, cache: Cache) -> Artifacts:
    """In a folder of this machine, unless machines share them by `blobs`."""
    own = FolderArtifacts(folder)
    return own if blobs is None else PackedArtifacts(blobs, cache, own)
