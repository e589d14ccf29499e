"""What a training reports, in files: its process writes them, its worker reads them, and so does the next worker.

A spool is a folder of segments, files of one size that are mapped into memory. Storing there costs what storing
anywhere does, and what was stored is in the file even where the process is killed right after. Both sides
know a place in it by its position: bytes from the beginning of the first segment. Records follow each other:

    kind | moment | value | value ... | kind       a point; its kind says which figures these are
    -1   | length | names in JSON, filled up       the figures of the next kind; each segment counts from 1
    -2                                             the end of this segment; it goes on in the next
    0                                              nothing yet

Everything is eight bytes wide. What is stored last is the second kind of a point, the first word of all else: where it
is not there, the record is not there.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from frontdesk.desk.training import Names, Points

SEGMENT_BYTES = 2**20
FIGURES_LIMIT, NAMES_BYTES_LIMIT = 1000, 2**18
_WIDTH = 8
_NAMES_FOLLOW, _SEGMENT_ENDS, _NOTHING_YET = -1, -2, 0
_UNREAD_SEGMENTS = 8
_ROOM_WITHIN_S = 60.0
_LOOK_AGAIN_S = 0.01
_integer = struct.Struct("@q")


class SpoolWriter:
    """The end of the training process. Any thread may append."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._held = folder, hold(folder)
        self._lock = threading.Lock()
        self._kinds: dict[Names, tuple[struct.Struct, int, int]] = {}
        self._segment, self._number, self._at = _new_segment(folder, 0), 0, 0
        self._is_ours, self._is_closing = True, False
        os.register_at_fork(after_in_child=self._disown)

    def _disown(self) -> None:
        """In a process that this one forked, which must not write between its records."""
        self._is_ours, self._lock, self._kinds = False, threading.Lock(), {}

    def append(self, figures: Mapping[str, Any], moment: float = 0.0) -> None:
        """Store a point, of now where no moment is given; whoever is faster than the reader is held up.

        Raises TypeError, ValueError, OSError.
        """
        with self._lock:
            names = tuple(figures)
            known = self._kinds.get(names)
            if known is None or self._at + known[2] > SEGMENT_BYTES - _WIDTH:
                known = self._learn(names)
            layout, kind, size = known
            at = moment or time.time()
            try:
                layout.pack_into(self._segment, self._at, kind, at, *figures.values(), kind)
            except struct.error:  # the text of a number, perhaps; whatever it is, `float` says it best
                values = map(float, figures.values())
                layout.pack_into(self._segment, self._at, kind, at, *values, kind)
            self._at += size

    def close(self) -> None:
        """No more will come. Who is held up meanwhile is so no longer, and raises ValueError."""
        self._is_closing = True
        with self._lock:
            self._segment.close()
            os.close(self._held)

    def _learn(self, names: Names) -> tuple[struct.Struct, int, int]:
        """Say what the next kind is, in a segment that has room for it and for a point."""
        if not self._is_ours:
            raise RuntimeError("Report from the process that trains, not from one that it forked.")
        text = msgspec.json.encode(names)
        if len(names) > FIGURES_LIMIT or len(text) > NAMES_BYTES_LIMIT:
            raise ValueError(f"A report may have {FIGURES_LIMIT} figures at most, with short names.")
        text += b" " * (-len(text) % _WIDTH)
        layout = struct.Struct(f"@q{1 + len(names)}dq")
        size = layout.size
        if self._at + 2 * _WIDTH + len(text) + size > SEGMENT_BYTES - _WIDTH:
            self._turn_over()
        self._segment[self._at + 2 * _WIDTH : self._at + 2 * _WIDTH + len(text)] = text
        _integer.pack_into(self._segment, self._at + _WIDTH, len(text))
        _integer.pack_into(self._segment, self._at, _NAMES_FOLLOW)
        self._at += 2 * _WIDTH + len(text)
        self._kinds[names] = (layout, len(self._kinds) + 1, size)
        return self._kinds[names]

    def _turn_over(self) -> None:
        number = self._number + 1
        while _path(self._folder, number - _UNREAD_SEGMENTS).exists():
            if self._is_closing:
                raise ValueError("The spool is closed, and full.")
            time.sleep(_LOOK_AGAIN_S)
        following = _new_segment(self._folder, number)
        _integer.pack_into(self._segment, self._at, _SEGMENT_ENDS)
        self._segment.close()
        self._segment, self._number, self._at = following, number, 0
        self._kinds.clear()


def _new_segment(folder: Path, number: int) -> mmap.mmap:
    """A segment whose room on the disk is its own: a store into it can no longer fail. Raises OSError."""
    give_up_at = time.monotonic() + _ROOM_WITHIN_S
    with _path(folder, number).open("w+b") as file:
        while True:
            try:
                os.posix_fallocate(file.fileno(), 0, SEGMENT_BYTES)
            except OSError:
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(_LOOK_AGAIN_S)  # somebody may make room on a full disk
            else:
                return mmap.mmap(file.fileno(), SEGMENT_BYTES)


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:06}.points"


def hold(folder: Path) -> int:
    """Say that a spool is in use: until the descriptor is closed, or the process gone, nobody has it `alone`."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody uses a spool, and then keep it so."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
            return
        yield False
    finally:
        os.close(descriptor)


class SpoolReader:
    """The end of the worker, which reads on from `position`."""

    def __init__(self, folder: Path, position: int = 0) -> None:
        self._folder, self._position = folder, position
        self._names: list[Names] = []
        self._told: list[tuple[Names, list[float]]] = []
        if position % SEGMENT_BYTES:  # what the kinds are is said before that
            self._position -= position % SEGMENT_BYTES
            self._read_segment(until=position)
            self._told = []

    @property
    def position(self) -> int:
        """How far it has read."""
        return self._position

    def read(self, segments: int = 1) -> tuple[Points, ...]:
        """What was told since the last time, of so many segments at most."""
        for _ in range(segments):
            if not self._read_segment():
                break
        told, self._told = self._told, []
        return grouped(told)

    def forget(self, position: int) -> None:
        """What lies before that is written down elsewhere: its files go, and so does what may hold up the training."""
        for number in _numbers(self._folder):
            if number < position // SEGMENT_BYTES:
                _path(self._folder, number).unlink(missing_ok=True)

    def _read_segment(self, until: int | None = None) -> bool:
        """Read on in the present segment; True when that is at its end and the next one begins."""
        number, at = divmod(self._position, SEGMENT_BYTES)
        begin = number * SEGMENT_BYTES
        try:
            data = _path(self._folder, number).read_bytes()
        except FileNotFoundError:
            return self._skip(number)
        while len(data) == SEGMENT_BYTES and (until is None or begin + at < until):
            (kind,) = _integer.unpack_from(data, at)
            if kind == _NOTHING_YET:
                break
            if kind == _SEGMENT_ENDS:
                self._position, self._names = begin + SEGMENT_BYTES, []
                return True
            at += _WIDTH
            if kind == _NAMES_FOLLOW:
                (length,) = _integer.unpack_from(data, at)
                at += _WIDTH
                self._names.append(msgspec.json.decode(data[at : at + length], type=Names))
                at += length
            else:
                names = self._names[kind - 1]
                *row, again = struct.unpack_from(f"@{1 + len(names)}dq", data, at)
                if again != kind:
                    at -= _WIDTH
                    break
                self._told.append((names, row))
                at += _WIDTH * (2 + len(names))
        self._position = begin + at
        return False

    def _skip(self, number: int) -> bool:
        """Go on where there is something again: a power cut may undo what was written down, but no removal of files."""
        later = min((other for other in _numbers(self._folder) if other > number), default=None)
        if later is None:
            return False
        self._position, self._names = later * SEGMENT_BYTES, []
        return True


def grouped(told: Iterable[tuple[Names, list[float]]]) -> tuple[Points, ...]:
    """Points that tell the same figures together. A number that is not finite is a gap in its curve."""
    groups: dict[Names, list[list[float | None]]] = {}
    for names, row in told:
        groups.setdefault(names, []).append([value if math.isfinite(value) else None for value in row])
    return tuple(Points(names, rows) for names, rows in groups.items())


def _numbers(folder: Path) -> Iterator[int]:
    return (int(path.stem) for path in folder.glob("*.points"))
