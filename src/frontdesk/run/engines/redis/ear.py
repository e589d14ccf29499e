"""A listener's end: hears what any process announces in Redis, and says so when something may have been missed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from frontdesk.store.redis_link import Pauses, RedisLink

_WAIT_S = 1.0
_PATIENCE_S = 4.0
_STOPPING_S = 3.0


class Ear:
    """A thread that listens on one channel, from `start` until `stop`."""

    def __init__(self, link: RedisLink, channel: str, heard: Callable[[Sequence[str]], None]) -> None:
        self._link, self._channel, self._heard = link, channel, heard
        self._stopping = threading.Event()
        self._pauses = Pauses()
        self._thread = threading.Thread(target=self._run, name="redis-ear", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Hear nothing more."""
        self._stopping.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=_STOPPING_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (RedisError, OSError):
                self._stopping.wait(self._pauses.failed())

    def _listen(self) -> None:
        """Until the line breaks, or Redis does not answer any more."""
        client = self._link.client()
        try:
            line = client.pubsub()  # type: ignore[no-untyped-call]
            line.subscribe(self._channel)
            answered_at = time.monotonic()
            while not self._stopping.is_set():
                message = line.get_message(timeout=_WAIT_S)
                if message is not None:
                    answered_at = time.monotonic()
                    self._hear(message)
                elif time.monotonic() - answered_at > _PATIENCE_S:
                    raise RedisTimeout("Redis does not answer")
                else:
                    line.ping()
        finally:
            client.close()

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "message":
            self._heard(message["data"].decode().split("\n"))
        elif message["type"] == "subscribe":
            self._pauses.worked()
            self._heard([])  # from here on nothing is missed; what came before may have been
