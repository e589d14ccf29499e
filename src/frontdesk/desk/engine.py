"""What the desk asks of an engine: carry job ids to workers, and news to whoever listens.

Both are hints. The rows are the truth, so an engine may lose, repeat or reorder what it carries:
workers look into the table when they are idle, and a sweeper reminds the engine of what waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol


class Errand(NamedTuple):
    """A job as an engine carries it: where it waits, and its id."""

    lane: str
    task: str
    job_id: str


class Post(NamedTuple):
    """A worker that takes jobs: its name, and the lanes and tasks it serves."""

    worker: str
    lanes: tuple[str, ...]
    tasks: tuple[str, ...]


class Attendance(Protocol):
    """A worker's end of an engine."""

    def wants(self, lanes: Collection[str], held: int) -> None:
        """Say, after each look into the table, in which lanes there is room, and how many jobs are held.

        Wake-ups may keep to those lanes.
        """

    def stop(self) -> None:
        """Wake this worker no more."""


class Engine(Protocol):
    """Verbs that never raise and never wait for long, whether anybody listens or not. Any thread may call them."""

    def wake(self, waiting: Sequence[Errand]) -> None:
        """Tell workers that these jobs wait."""

    def taken(self, errands: Sequence[Errand]) -> None:
        """These wait no longer: a worker has them, or they were cancelled."""

    def remind(self, lanes: Sequence[str], waiting: Iterable[Errand]) -> None:
        """Jobs wait in these lanes, as a sweep sees it. `waiting` is all of them, read as far as it is used."""

    def attend(self, post: Post, woken: Callable[[str], None]) -> Attendance:
        """Hear wake-ups, as a worker does: `woken` gets the lane, on a thread of the engine's."""

    def announce(self, job_ids: Sequence[str]) -> None:
        """Tell every listener that these jobs have new events."""

    def listen(self, heard: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        """Call `heard` (on a thread of the engine's) with announced job ids until the returned function is called.

        No ids at all means that news may have been missed: look at everything.
        """

    def close(self) -> None:
        """Send what is still to be sent, for a moment at most, and let go."""


class QuietEngine:
    """An engine that keeps what it was told: for tests, and for tools that only look."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.gone: list[str] = []
        self.announced: list[str] = []

    def wake(self, waiting: Sequence[Errand]) -> None:
        self.woken.extend(errand.lane for errand in waiting)

    def taken(self, errands: Sequence[Errand]) -> None:
        self.gone.extend(errand.job_id for errand in errands)

    def remind(self, lanes: Sequence[str], waiting: Iterable[Errand]) -> None:
        self.woken.extend(lanes)

    def attend(self, post: Post, woken: Callable[[str], None]) -> Attendance:
        return NoAttendance()

    def announce(self, job_ids: Sequence[str]) -> None:
        self.announced.extend(job_ids)

    def listen(self, heard: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        return lambda: None

    def close(self) -> None:
        pass


class NoAttendance:
    """Of a worker that is never woken."""

    def wants(self, lanes: Collection[str], held: int) -> None:
        pass

    def stop(self) -> None:
        pass
