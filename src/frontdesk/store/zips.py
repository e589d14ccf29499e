"""Several files as one zip that is made while it is sent, in bounded memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

_CHUNK_BYTES = 2**18


class Drain(io.RawIOBase):
    """Takes what is written and gives it away; cannot seek, so the zip is written from front to back."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


def zipped(members: Iterable[tuple[str, IO[bytes]]]) -> Iterator[bytes]:
    """The zip, in pieces. Each member is closed when it was read."""
    drain = Drain()
    with zipfile.ZipFile(drain, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            with content, archive.open(name, "w", force_zip64=True) as target:
                while chunk := content.read(_CHUNK_BYTES):
                    target.write(chunk)
                    yield drain.take()
    yield drain.take()
