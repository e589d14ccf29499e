"""The engine of one machine: Unix datagram sockets in a folder, one for each process that listens.

A datagram is a hint of a few bytes, sent in microseconds and heard at once, so nothing polls.
A listener that died leaves its socket file behind; whoever finds nobody there removes it.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from frontdesk.desk.engine import Attendance, Errand, Post
from frontdesk.store.ids import new_id

_IDS_PER_DATAGRAM = 200  # ids of 36 characters: about 7 kB, well under what a Unix datagram may hold
_LARGEST_DATAGRAM_BYTES = 65_536
_PATIENCE_US = 20_000
_WORKER_SUFFIX = ".worker"
_EAR_SUFFIX = ".ear"


class LocalEngine:
    """Carries wake-ups and news between the processes that share `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # A full ear is waited for, but only this long: a frozen process must not slow the others.
        self._out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, _PATIENCE_US))

    def close(self) -> None:
        """Let go of the socket that rings."""
        self._out.close()

    def wake(self, waiting: Sequence[Errand]) -> None:
        """Tell every worker of this machine in which lanes there is something to claim."""
        self._ring({errand.lane for errand in waiting})

    def taken(self, errands: Sequence[Errand]) -> None:
        """Nothing to do: no bell keeps ringing."""

    def remind(self, lanes: Sequence[str], waiting: Iterable[Errand]) -> None:
        """Ring again, once a lane."""
        self._ring(lanes)

    def _ring(self, lanes: Iterable[str]) -> None:
        for lane in lanes:
            self._send(_WORKER_SUFFIX, lane.encode())

    def announce(self, job_ids: Sequence[str]) -> None:
        """Tell every listener of this machine that these jobs have new events."""
        for start in range(0, len(job_ids), _IDS_PER_DATAGRAM):
            self._send(_EAR_SUFFIX, "\n".join(job_ids[start : start + _IDS_PER_DATAGRAM]).encode())

    def listen(self, heard: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        """Hear about jobs until the returned function is called."""
        return self._receive(_EAR_SUFFIX, lambda message: heard(message.split("\n")))

    def attend(self, post: Post, woken: Callable[[str], None]) -> Attendance:
        """Hear wake-ups for the lanes of this post."""
        return _Bell(self._receive(_WORKER_SUFFIX, lambda lane: woken(lane) if lane in post.lanes else None))

    def _send(self, suffix: str, message: bytes) -> None:
        for path in self._sockets(suffix):
            try:
                self._out.sendto(message, path)
            except (ConnectionRefusedError, FileNotFoundError):
                Path(path).unlink(missing_ok=True)
            except OSError:
                # The listener is behind. It looks into the table anyway, so the hint may go.
                continue

    def _sockets(self, suffix: str) -> Iterator[str]:
        with os.scandir(self._folder) as entries:
            yield from (entry.path for entry in entries if entry.name.endswith(suffix))

    def _receive(self, suffix: str, heard: Callable[[str], None]) -> Callable[[], None]:
        path = self._folder / (new_id()[-12:] + suffix)
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ear.bind(str(path))

        def read() -> None:
            while message := ear.recv(_LARGEST_DATAGRAM_BYTES):
                heard(message.decode())

        thread = threading.Thread(target=read, name=f"listen{suffix}", daemon=True)
        thread.start()

        def stop() -> None:
            path.unlink(missing_ok=True)
            ear.shutdown(socket.SHUT_RDWR)  # ends the blocking recv with an empty message
            thread.join(timeout=1)
            ear.close()

        return stop


class _Bell:
    """Rings for every worker alike, whoever has room."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def wants(self, lanes: Collection[str], held: int) -> None:
        pass

    def stop(self) -> None:
        self._stop()
