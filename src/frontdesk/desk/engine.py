"""What the desk asks of an engine: carry job ids to workers, and news to whoever listens.

Both are hints. The rows are the truth, so an engine may lose, repeat or reorder what it carries:
workers look into the table when they are idle and a sweeper rings again for what waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol


class Engine(Protocol):
    """Three verbs, all cheap and none of them failing when nobody listens."""

    def wake(self, lane: str) -> None:
        """Tell workers of this lane that there is something to claim."""

    def announce(self, job_ids: Sequence[str]) -> None:
        """Tell every listener that these jobs have new events."""

    def listen(self, heard: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        """Call `heard` (on a thread of the engine's) with announced job ids until the returned function is called."""


class QuietEngine:
    """An engine that keeps what it was told: for tests, and for tools that only look."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.announced: list[str] = []

    def wake(self, lane: str) -> None:
        self.woken.append(lane)

    def announce(self, job_ids: Sequence[str]) -> None:
        self.announced.extend(job_ids)

    def listen(self, heard: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        return lambda: None
