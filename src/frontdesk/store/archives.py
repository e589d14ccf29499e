"""Folders as single blobs: a tar, packed while it is sent and unpacked while it is read, in bounded memory."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from frontdesk.errors import FileDamaged
from frontdesk.store.verified import CHUNK_BYTES
from frontdesk.store.zips import Drain


def packed(folder: Path, files: Iterable[Path]) -> Iterator[bytes]:
    """The tar of these files of a folder, in pieces. Links are followed: they lead nowhere on another machine."""
    drain = Drain()
    with tarfile.open(mode="w|", fileobj=drain, dereference=True, bufsize=CHUNK_BYTES) as archive:
        for path in files:
            entry = archive.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            if entry.isdir():
                archive.addfile(entry)
                continue
            with path.open("rb") as content:
                yield from _added(archive, entry, content, drain)
    yield drain.take()


def packed_folder(folder: Path) -> Iterator[bytes]:
    """The tar of all there is in a folder, empty folders included."""
    return packed(folder, sorted(path for path in folder.rglob("*") if path.is_file() or path.is_dir()))


def unpack(content: IO[bytes], folder: Path, name: str) -> None:
    """Make the folder of its tar. Only plain files and folders below it come of it, whatever the tar says."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(mode="r|", fileobj=content, bufsize=CHUNK_BYTES) as archive:
            for entry in archive:
                _unpack(archive, entry, folder)
    except tarfile.TarError as error:
        raise FileDamaged(f"The file {name!r} is damaged: it cannot be unpacked ({error}).") from None
    while content.read(CHUNK_BYTES):  # to the end, which is where it is verified
        pass


def _unpack(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    target = folder / entry.name
    if not (entry.isfile() or entry.isdir()) or not target.resolve().is_relative_to(folder.resolve()):
        raise tarfile.TarError(f"{entry.name!r} is no plain file below it")
    if entry.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source = archive.extractfile(entry)
    assert source is not None
    with source, target.open("wb") as out:
        shutil.copyfileobj(source, out, CHUNK_BYTES)
    target.chmod(entry.mode & 0o777 | 0o600)
    os.utime(target, (entry.mtime, entry.mtime))


def _added(
    archive: tarfile.TarFile, entry: tarfile.TarInfo, content: IO[bytes], drain: Drain
) -> Iterator[bytes]:
    """Add one file a piece at a time, so that a large one is not in memory whole.

    `TarFile.addfile` takes all of it at once, so its header and its padding are written here.
    """
    archive.addfile(entry)  # the header, without content
    left = entry.size
    while left:
        chunk = content.read(min(CHUNK_BYTES, left))
        if not chunk:
            raise OSError(f"{entry.name} became shorter while it was read")
        left -= len(chunk)
        archive.fileobj.write(chunk)
        yield drain.take()
    padding = -entry.size % tarfile.BLOCKSIZE
    archive.fileobj.write(b"\0" * padding)
    archive.offset += entry.size + padding
