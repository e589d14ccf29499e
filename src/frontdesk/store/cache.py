"""What lies elsewhere, as files and folders on this machine: fetched once, shared by its processes, bounded in size.

Each entry has a lock file. Who uses the entry holds the lock together with others; who makes it or removes it holds
it alone. The kernel lets go of the locks of a process that dies, so nothing is held for ever or removed in use.

    NAME        the entry: a file or a folder, there whole or not at all
    NAME.lock   its lock; its time is that of the last use
    NAME.part   an entry being made, or left by a crash: whoever makes it next begins anew
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from frontdesk.store.folders import below

_LOCK, _DRAFT = ".lock", ".part"


class Cache:
    """Entries in a folder. The least recently used go when all together take more than the limit (0: no limit)."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes

    @contextlib.contextmanager
    def hold(self, name: str, make: Callable[[Path], None]) -> Iterator[Path]:
        """The entry, made if need be, until the block ends. `make` writes it where it is told."""
        path = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            with self._locked(name, fcntl.LOCK_SH) as lock:
                if path.exists():
                    os.utime(lock)
                    yield path
                    return
            with self._locked(name, fcntl.LOCK_EX):
                if not path.exists():  # nobody else made it meanwhile
                    self._make(path, make)
                    self._trim()
            # In between, others may remove it again, hence the loop.

    def adopt(self, name: str, made: Path) -> None:
        """Take what was made here already, so that it need not be fetched."""
        with self.hold(name, lambda path: _move(made, path)):
            pass

    def _make(self, path: Path, make: Callable[[Path], None]) -> None:
        draft = path.with_name(f"{path.name}{_DRAFT}")
        _remove(draft)
        try:
            make(draft)
            draft.rename(path)
        finally:
            _remove(draft)

    def _trim(self) -> None:
        """Remove what has not been used for longest, until what is left fits. What is in use stays."""
        locks: list[tuple[float, Path]] = []
        for lock in self._folder.glob(f"*{_LOCK}"):
            with contextlib.suppress(FileNotFoundError):  # another process removes it just now
                locks.append((lock.stat().st_mtime, lock))
        entries = [(self._folder / lock.name.removesuffix(_LOCK), lock) for _, lock in sorted(locks)]
        sizes = [_size_bytes(path) for path, _ in entries]
        excess = sum(sizes) - self._limit_bytes if self._limit_bytes else 0
        for (path, lock), size_bytes in zip(entries, sizes, strict=True):
            if excess <= 0:
                return
            with contextlib.suppress(OSError):
                if self._remove_unused(path, lock):
                    excess -= size_bytes

    def _remove_unused(self, path: Path, lock: Path) -> bool:
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)
            _remove(path.with_name(f"{path.name}{_DRAFT}"))
            lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
        return True

    @contextlib.contextmanager
    def _locked(self, name: str, how: int) -> Iterator[int]:
        """A descriptor of the entry's lock file, locked; it is the one that has the name, not one removed meanwhile."""
        path = self._folder / f"{name}{_LOCK}"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, how)
                if _is_named(descriptor, path):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)


def _is_named(descriptor: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    return False


def _move(made: Path, path: Path) -> None:
    shutil.move(made, path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _size_bytes(path: Path) -> int:
    """Of a file or a folder with all in it, as the disk counts it; 0 when there is none."""
    total = 0
    for found in (path, *below(path)):
        with contextlib.suppress(OSError):
            total += found.lstat().st_size
    return total
