"""What goes out to Redis: collected from every thread, sent by one, many messages in one exchange.

So no request and no worker ever waits for Redis. While it is away, messages go to the other processes of this machine
instead, and it is tried again after a while that grows.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from redis.exceptions import RedisError

from frontdesk.desk.engine import Engine, Errand
from frontdesk.run.engines.redis.queues import Queues
from frontdesk.store.redis_link import Pauses, RedisLink

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 500
_MOST_KEPT = 20_000
_IDS_A_MESSAGE = 200
_CLOSING_S = 1.0


@dataclass(frozen=True, slots=True)
class Wake:
    """These wait."""

    errands: Sequence[Errand]


@dataclass(frozen=True, slots=True)
class Taken:
    """These wait no longer; some of them a worker of this process had in hand."""

    errands: Sequence[Errand]
    in_hand: frozenset[str]


@dataclass(frozen=True, slots=True)
class News:
    """There are new events of these jobs."""

    job_ids: Sequence[str]


Message = Wake | Taken | News


class Outbox:
    """A thread that sends, from the first message until `close`."""

    def __init__(self, link: RedisLink, channel: str, local: Engine, on_loss: Callable[[Any], None]) -> None:
        self._link, self._channel, self._local, self._on_loss = link, channel, local, on_loss
        self._client = link.client()
        self._queues = Queues(self._client)
        self._waiting: deque[Message] = deque()
        self._something = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._pauses = Pauses()
        self._has_lost = False

    def put(self, message: Message) -> None:
        """Have it sent."""
        with self._something:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="redis-outbox", daemon=True)
                self._thread.start()
            if len(self._waiting) >= _MOST_KEPT:
                self._waiting.popleft()
                self._has_lost = True
            self._waiting.append(message)
            self._something.notify()

    def close(self) -> None:
        """Send what is left, for a moment at most."""
        with self._something:
            self._closing = True
            self._something.notify()
        if self._thread is not None:
            self._thread.join(timeout=_CLOSING_S)
        self._client.close()

    def _run(self) -> None:
        while messages := self._next():
            if self._pauses.last:
                self._tell_neighbours(messages)
                continue
            try:
                self._send(messages)
            except (RedisError, OSError) as error:
                self._lost(error)
                self._tell_neighbours(messages)
            except Exception:
                # A message that cannot be sent is a hint that is lost; the next ones are to be sent all the same.
                log.exception("messages to Redis could not be sent")

    def _next(self) -> list[Message]:
        """What there is to be sent, waited for; nothing once all is sent and no more will come."""
        with self._something:
            while not self._waiting and not self._closing:
                self._something.wait()
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]

    def _send(self, messages: Sequence[Message]) -> None:
        pipe = self._client.pipeline(transaction=False)
        for together in _joined(messages):
            match together:
                case Wake(errands):
                    self._queues.push(errands, pipe)
                case Taken(errands, in_hand):
                    self._queues.remove(errands, in_hand, pipe)
                case News(job_ids):
                    for start in range(0, len(job_ids), _IDS_A_MESSAGE):
                        pipe.publish(self._channel, "\n".join(job_ids[start : start + _IDS_A_MESSAGE]))
        if self._has_lost:
            self._on_loss(pipe)
        pipe.execute()
        self._has_lost = False
        if self._pauses.worked():
            log.info("Redis at %s is back", self._link.name)

    def _lost(self, error: Exception) -> None:
        if not self._pauses.length_s:
            log.warning("Redis at %s is away (%s); jobs run on all the same", self._link.name, error)
        self._has_lost = True
        self._pauses.failed()

    def _tell_neighbours(self, messages: Sequence[Message]) -> None:
        for together in _joined(messages):
            match together:
                case Wake(errands):
                    self._local.wake(errands)
                case News(job_ids):
                    self._local.announce(job_ids)
                case Taken():
                    pass


def _joined(messages: Sequence[Message]) -> Iterator[Message]:
    """The same in few: what is alike and follows on each other in one, then all news."""
    moves = [message for message in messages if not isinstance(message, News)]
    for _, alike in groupby(moves, type):
        together = [*alike]
        errands = [errand for message in together for errand in message.errands]
        if isinstance(together[0], Wake):
            yield Wake(errands)
        else:
            in_hand = [message.in_hand for message in together if isinstance(message, Taken)]
            yield Taken(errands, frozenset().union(*in_hand))
    if news := [job_id for message in messages if isinstance(message, News) for job_id in message.job_ids]:
        yield News([*dict.fromkeys(news)])
