"""What the installation acknowledged, as those who asked it remember it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Promise:
    """A job that was acknowledged: its ticket, the key it was asked for with, and the answers it owes."""

    job: str
    key: str
    kind: str
    answers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of a live stream; `state` for those that tell of one."""

    id: int
    job: str
    event: str
    state: str | None = None


@dataclass(slots=True)
class Ledger:
    """Written by all clients at once."""

    promises: list[Promise] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    heard: list[Heard] = field(default_factory=list)
    replies: Counter[int] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def promise(self, promise: Promise) -> None:
        """The server said 202."""
        with self._lock:
            self.promises.append(promise)

    def cancel(self, job: str) -> None:
        """The server said that this job is cancelled."""
        with self._lock:
            self.cancelled.add(job)

    def hear(self, heard: Heard) -> None:
        """A live stream said so."""
        with self._lock:
            self.heard.append(heard)

    def reply(self, status: int) -> None:
        """Some answer; 0 for none at all."""
        with self._lock:
            self.replies[status] += 1

    def surprise(self, what: str) -> None:
        """Something no fault excuses."""
        with self._lock:
            self.surprises.append(what)
