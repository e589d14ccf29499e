"""How many jobs there are, without counting a million of them over and over."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from msgspec.structs import replace

from frontdesk.desk.job import FINAL_STATES, JobState, Lane, Queue
from frontdesk.desk.looking import counts, queues
from frontdesk.store.database import Database

_UNFINISHED = frozenset(JobState) - FINAL_STATES
_MANY = 20_000
_REST = 100.0  # a count that took 50 ms serves for 5 s
_WAITING_FOR_S = 1.0


class Counts:
    """Counts of one database. What is unfinished is always counted; what is over is, too, unless there is much."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gate = threading.Lock()
        self._over: dict[tuple[str, str], int] = {}
        self._over_until = 0.0
        self._waiting, self._waiting_until = 0, 0.0
        self._queues: Sequence[Queue] = ()
        self._queues_at = self._queues_until = 0.0

    def by_lane(self) -> dict[str, dict[str, int]]:
        """How many jobs there are, by lane and state."""
        with self._database.read() as connection:
            found = counts(connection, _UNFINISHED)
        found |= self._final()
        return {
            lane.value: {state: number for (kind, state), number in found.items() if kind == lane}
            for lane in Lane
        }

    def queues(self) -> Sequence[Queue]:
        """What waits, by lane and task; it may lag by seconds when much waits."""
        with self._gate:
            began = time.monotonic()
            if began > self._queues_until:
                with self._database.read() as connection:
                    self._queues = queues(connection)
                self._queues_at = time.monotonic()
                if sum(queue.waiting for queue in self._queues) > _MANY:
                    self._queues_until = began + _REST * (time.monotonic() - began)
            lag_s = time.monotonic() - self._queues_at
            return [replace(queue, waited_s=queue.waited_s + lag_s) for queue in self._queues]

    def one_more_waits(self) -> int:
        """How many jobs wait, the caller's included: counted once a second, and added to in between."""
        with self._gate:
            if time.monotonic() > self._waiting_until:
                with self._database.read() as connection:
                    self._waiting = sum(counts(connection, [JobState.QUEUED]).values())
                self._waiting_until = time.monotonic() + _WAITING_FOR_S
            self._waiting += 1
            return self._waiting

    def _final(self) -> dict[tuple[str, str], int]:
        with self._gate:
            began = time.monotonic()
            if began > self._over_until:
                with self._database.read() as connection:
                    self._over = counts(connection, FINAL_STATES)
                if sum(self._over.values()) > _MANY:
                    self._over_until = began + _REST * (time.monotonic() - began)
            return self._over
