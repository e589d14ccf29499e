"""From the spool of a training to the desk: while it runs, and after the worker that wrote it down is gone."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec

from frontdesk.desk.job import Lease
from frontdesk.desk.queue import Desk
from frontdesk.desk.summaries import CurveSummary
from frontdesk.desk.training import Told
from frontdesk.errors import StoreUnavailable
from frontdesk.run.spool import SpoolReader

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2.0
_PAUSE_SHARE = 1 / 500
"""After a hundred seconds there are points five times a second, after a thousand every other."""
_SEGMENTS_AT_ONCE = 4
_SUMMARISE_AFTER_POINTS, _SUMMARISE_AFTER_BATCHES = 8192, 64


class Chronicle:
    """What one attempt of a training says, written down in batches."""

    def __init__(self, desk: Desk, lease: Lease, folder: Path) -> None:
        self._desk, self._lease = desk, lease
        self._spool = SpoolReader(folder)
        self._summary = CurveSummary()
        self._summarised, self._batches = 0, 0
        self._unwritten: Told | None = None
        self._began = time.monotonic()
        self._due_at = 0.0
        self._lock = threading.Lock()

    @property
    def is_behind(self) -> bool:
        """Whether it holds what could not be written down the last time; then give it nothing new."""
        return self._unwritten is not None

    def write(self, said: Told, *, is_last: bool = False) -> None:
        """Write down what was said, and the points since the last time where that is due. Raises LeaseLost.

        What cannot be written down now is kept for the next time.
        """
        with self._lock:  # the one before may not have come to its end when its caller was told to stop
            if self._unwritten is not None and not self._is_written(self._unwritten):
                return
            told = self._with_points(said, is_last)
            while self._is_written(told) and is_last and told.points:
                told = self._with_points(Told(), is_last)

    def _is_written(self, told: Told) -> bool:
        if not told.is_nothing:
            try:
                self._desk.tell(self._lease, told)
            except StoreUnavailable:  # there may be room on the disk again
                self._unwritten = told
                return False
            self._spool.forget(told.until)
        self._unwritten = None
        return True

    def _with_points(self, said: Told, is_last: bool) -> Told:
        now, since = time.monotonic(), self._spool.position
        if now < self._due_at and not is_last:
            return said
        self._due_at = now + min(max(_FIRST_PAUSE_S, (now - self._began) * _PAUSE_SHARE), _LONGEST_PAUSE_S)
        points = self._spool.read(_SEGMENTS_AT_ONCE)
        self._summary.add(points)
        self._batches += bool(points)
        return msgspec.structs.replace(
            said, points=points, since=since, until=self._spool.position, summary=self._due_summary(is_last)
        )

    def _due_summary(self, is_last: bool) -> bytes | None:
        """A summary where enough has come since the one before."""
        new = self._summary.count - self._summarised
        is_due = new >= _SUMMARISE_AFTER_POINTS or self._batches >= _SUMMARISE_AFTER_BATCHES
        if not (is_due or (is_last and new)):
            return None
        self._summarised, self._batches = self._summary.count, 0
        return self._summary.encode()


def recover(desk: Desk, job_id: str, token: int, attempt: int, folder: Path) -> bool:
    """Write down what an attempt reported before it was lost; True when all is, and the folder may go.

    A crash at any line, or another who does the same, leads to no point twice: each batch says from where it goes on.
    """
    spool = SpoolReader(folder, desk.transcripts.told_until(job_id, token))
    while True:
        since = spool.position
        points = spool.read()
        if spool.position == since:
            return True
        told = Told(points=points, since=since, until=spool.position)
        if points and not desk.transcripts.add(job_id, token, attempt, told):
            return False
