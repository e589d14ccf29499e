"""What model code prints: kept in a file that never grows beyond a limit."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from urllib.parse import quote

_LIMIT_BYTES = 2**20


class HostLog:
    """The log of one model: a file, and the one before it."""

    def __init__(self, folder: Path, task: str, model: str, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._path = folder / f"{quote(task, safe='')}.{quote(model, safe='')}.log"
        self._previous = self._path.with_suffix(".log.1")
        self._limit_bytes = limit_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()
        self._is_at_line_start = True

    def write(self, text: bytes) -> None:
        """Add what was printed. Where it cannot be written, as on a full disk, it is lost: no model may end of that."""
        text = text[-self._limit_bytes :]
        with contextlib.suppress(OSError):
            if self._size + len(text) > self._limit_bytes:
                self._begin_anew()
            self._file.write(text)
            self._size += len(text)
            self._is_at_line_start = text.endswith(b"\n")

    def _begin_anew(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # moved already, by a try that failed in the next line
            self._path.replace(self._previous)
        begun = self._path.open("ab", buffering=0)
        self._file.close()
        self._file, self._size = begun, 0

    def note(self, sentence: str) -> None:
        """Add a line of frontdesk's own, with the time."""
        line = f"[frontdesk {time.strftime('%Y-%m-%d %H:%M:%S')}] {sentence}\n"
        self.write(line.encode() if self._is_at_line_start else f"\n{line}".encode())

    def tail(self, limit_bytes: int) -> str:
        """The end of it."""
        end = b""
        for path in (self._path, self._previous):
            if len(end) < limit_bytes and path.exists():
                end = _end_of(path, limit_bytes - len(end)) + end
        return end.decode(errors="replace")

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _end_of(path: Path, limit_bytes: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - limit_bytes, 0))
        return file.read(limit_bytes)
