"""Reading what was kept, and making sure on the way that it is that."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import msgspec

from frontdesk.errors import FileDamaged

CHUNK_BYTES = 2**20


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of bytes that were kept."""

    size_bytes: int
    sha256: str


class Measure:
    """Counts bytes and takes their checksum as they pass."""

    def __init__(self) -> None:
        self._digest, self.size_bytes = hashlib.sha256(), 0

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, measured."""
        for chunk in chunks:
            self.add(chunk)
            yield chunk

    def add(self, chunk: Any) -> None:
        """Measure this too."""
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def kept(self) -> Kept:
        """All that passed."""
        return Kept(size_bytes=self.size_bytes, sha256=self._digest.hexdigest())


class VerifiedReader(io.RawIOBase):
    """Reads pieces from front to back. Raises FileDamaged before it would hand out the last of them.

    So whoever reads to the end has read what was kept, and whoever is sent what is damaged is never sent all of it.
    """

    def __init__(
        self, pieces: Iterator[Any], expected: Kept, name: str, close: Callable[[], None] = lambda: None
    ) -> None:
        self._pieces, self._expected, self._name, self._close = pieces, expected, name, close
        self._measure = Measure()
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._piece:
            self._piece = self._next()
        count = min(len(buffer), len(self._piece))
        buffer[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._close()
        super().close()

    def _next(self) -> memoryview:
        """The next piece that is not empty; an empty one is the end."""
        piece = next((memoryview(piece) for piece in self._pieces if len(piece)), memoryview(b""))
        self._measure.add(piece)
        is_last = self._measure.size_bytes >= self._expected.size_bytes or not piece
        if is_last and self._measure.kept() != self._expected:
            raise FileDamaged(
                f"The file {self._name!r} is damaged: what is stored is not what was kept. Send it again."
            )
        return piece


def open_verified(content: IO[bytes], expected: Kept, name: str) -> IO[bytes]:
    """The same file, verified as it is read."""
    pieces = iter(lambda: content.read(CHUNK_BYTES), b"")
    return io.BufferedReader(VerifiedReader(pieces, expected, name, content.close), CHUNK_BYTES)


def read_through(content: IO[bytes]) -> None:
    """Read all of it and keep nothing, for the sake of the checksum."""
    with content:
        while content.read(CHUNK_BYTES):
            pass
