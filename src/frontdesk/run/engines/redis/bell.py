"""A worker's end: waits at its queues in Redis, and wakes the worker for one id at a time.

Whichever id is popped, the worker takes from the table what is next in line. So an id in hand is given up when its job
was taken, returned when another one was, and dropped when nothing was there to be taken.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

from frontdesk.desk.engine import Errand, Post
from frontdesk.run.engines.redis.nameplate import Nameplate
from frontdesk.run.engines.redis.queues import Queues, queue_key
from frontdesk.store.redis_link import Pauses, RedisLink

log = logging.getLogger(__name__)

_WAIT_S = 1
_PATIENCE_S = 2.5  # a blocking pop answers after _WAIT_S at the latest; later means that Redis hangs
_STOPPING_S = 3.0


@dataclass(frozen=True, slots=True)
class _InHand:
    key: str
    lane: str
    job_id: str


class Bell:
    """A thread that waits for ids, from `start` until `stop`."""

    def __init__(self, link: RedisLink, post: Post, woken: Callable[[str], None]) -> None:
        self._post, self._woken = post, woken
        self._client = link.client(answer_s=_PATIENCE_S)
        self._queues = Queues(self._client)
        self._nameplate = Nameplate(link, post)
        self._lanes_of = {queue_key(lane, task): lane for lane in post.lanes for task in post.tasks}
        self._changed = threading.Condition()
        self._wanted: Collection[str] = ()
        self._looks = 0  # how often the worker has looked into the table
        self._held = 0
        self._in_hand: _InHand | None = None
        self._has_taken = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="redis-bell", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    # --------------------------------------------------------------------- the worker's threads

    def wants(self, lanes: Collection[str], held: int) -> None:
        """The worker has looked, and has room in these lanes."""
        with self._changed:
            self._wanted, self._held = lanes, held
            self._looks += 1
            self._changed.notify()

    def took(self, errands: Sequence[Errand]) -> frozenset[str]:
        """The worker took these; gives which of them was in hand."""
        with self._changed:
            self._has_taken = True
            hand = self._in_hand
            if hand is None or all(errand.job_id != hand.job_id for errand in errands):
                return frozenset()
            self._in_hand = None
            return frozenset({hand.job_id})

    def stop(self) -> None:
        """Wait no more, and take down the name."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout=_STOPPING_S)
        self._client.close()

    # -------------------------------------------------------------------------------- our own

    def _run(self) -> None:
        pauses = Pauses()
        while not self._stopping:
            try:
                self._attend()
                pauses.worked()
            except (RedisError, OSError):
                # The outbox says in the log that Redis is away. Ids may be lost, so the worker looks by itself.
                self._in_hand = None
                self._wake_for_all()
                pause_s = pauses.failed()
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, pause_s)
        self._leave()

    def _attend(self) -> None:
        """Wait for one id, wake the worker, and see what came of it."""
        self._nameplate.show(self._held)
        keys = self._keys()
        if not keys:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or bool(self._wanted), _WAIT_S)
            return
        found = self._queues.pop(keys, _WAIT_S)
        if found is None:
            return
        with self._changed:
            hand = self._in_hand = _InHand(found[0], self._lanes_of[found[0]], found[1])
            self._has_taken, before = False, self._looks
            is_wanted = hand.lane in self._wanted and not self._stopping
        if is_wanted:
            self._woken(hand.lane)
            self._await_look(before)
        self._settle(is_wanted)

    def _keys(self) -> list[str]:
        with self._changed:
            wanted = frozenset(self._wanted)
        return [key for key, lane in self._lanes_of.items() if lane in wanted]

    def _await_look(self, before: int) -> None:
        while not self._stopping:
            with self._changed:
                if self._changed.wait_for(lambda: self._stopping or self._looks > before, _WAIT_S):
                    return
            self._nameplate.show(self._held)

    def _settle(self, was_woken: bool) -> None:
        with self._changed:
            hand, self._in_hand = self._in_hand, None
            is_still_wanted = hand is not None and hand.lane in self._wanted
        if hand is None:
            return
        if was_woken and not self._has_taken and is_still_wanted:
            self._queues.drop(hand.job_id)  # it looked, and there was nothing
        else:
            self._queues.put_back(hand.key, hand.job_id)

    def _wake_for_all(self) -> None:
        for lane in self._post.lanes:
            self._woken(lane)

    def _leave(self) -> None:
        try:
            self._settle(was_woken=False)
            self._nameplate.take_down()
        except (RedisError, OSError) as error:
            log.info("the worker's name stays in Redis until it expires (%s)", error)
