"""A worker as RQ's tools show it. RQ's own worker class writes the entry; it never works here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rq.queue import Queue
from rq.serializers import JSONSerializer
from rq.worker import Worker, WorkerStatus

from frontdesk.desk.engine import Post
from frontdesk.run.engines.redis.queues import queue_name
from frontdesk.store.redis_link import RedisLink

if TYPE_CHECKING:
    from redis import Redis

_EVERY_S = 5.0
_EXPIRES_S = 30


class _Entry(Worker):
    """An entry in RQ's list of workers, for as long as it is renewed."""

    def _set_connection(self, connection: Redis) -> Redis:
        return connection  # RQ would have it wait as long as its own worker waits for jobs


class Nameplate:
    """Puts up a worker's name, and renews it now and then."""

    def __init__(self, link: RedisLink, post: Post) -> None:
        self._client = link.client()
        self._post = post
        self._entry: Any = None
        self._due_at = 0.0

    def show(self, held: int) -> None:
        """Renew it when it is time, and say whether the worker has work."""
        if time.monotonic() < self._due_at:
            return
        self._due_at = time.monotonic() + _EVERY_S
        if self._entry is None or not self._client.exists(self._entry.key):
            self._entry = self._put_up()
        self._entry.set_state(WorkerStatus.BUSY if held else WorkerStatus.IDLE)
        self._entry.heartbeat(_EXPIRES_S)

    def take_down(self) -> None:
        """The worker has ended."""
        if self._entry is not None:
            self._entry.register_death()
        self._client.close()

    def _put_up(self) -> Any:
        queues = [queue_name(lane, task) for lane in self._post.lanes for task in self._post.tasks]
        entry = _Entry(
            queues, name=self._post.worker, connection=self._client, serializer=JSONSerializer,
            worker_ttl=_EXPIRES_S,
        )  # fmt: skip
        self._client.delete(entry.key)  # of one of the same name that was killed
        # RQ's tools list a worker under its queues, and a queue only once something was put in it.
        self._client.sadd(Queue.redis_queues_keys, *entry.queue_keys())
        entry.register_birth()  # type: ignore[no-untyped-call]
        return entry
