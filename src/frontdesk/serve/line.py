"""The place in line of jobs that were handed in just now.

Counting a line takes as long as writing a job, so in a burst it is counted a few dozen times a second, and in
between each new job stands one behind the one before it. Who asks for a job later gets it counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from frontdesk.desk.job import Job, Standing
from frontdesk.desk.queue import Desk
from frontdesk.serve.threads import in_thread

_COUNT_EVERY_S = 0.02
_LINES_LIMIT = 1000


@dataclass(slots=True)
class _Counted:
    standing: Standing
    at: float
    since: int = 0


class Line:
    """Places of new jobs, by lane and owner: everybody has turns of their own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._counted: dict[tuple[str, str], _Counted] = {}

    async def place(self, job: Job) -> Standing:
        """Where a job stands that was handed in a moment ago."""
        key = (job.kind, job.owner)
        counted = self._counted.get(key)
        now = monotonic()
        if counted is not None and now - counted.at < _COUNT_EVERY_S:
            counted.since += 1
            return _further(counted.standing, counted.since)
        if counted is not None and counted.since:
            counted.at = now  # in a burst, one counts and the others need not wait for it
        standing = await in_thread(self._desk.standing, job)
        if len(self._counted) >= _LINES_LIMIT:
            self._counted.clear()
        self._counted[key] = _Counted(standing, monotonic())
        return standing


def _further(standing: Standing, places: int) -> Standing:
    position = standing.position + places
    wait_s = standing.wait_s
    return Standing(position, None if wait_s is None else wait_s * position / standing.position)
