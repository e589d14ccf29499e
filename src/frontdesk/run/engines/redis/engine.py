"""The engine of many machines. Redis carries ids and news, and may lose all of it: the rows are the truth.

    wake, taken, announce  -> outbox.py: one thread sends for all others, so nobody waits for Redis
    attend                 -> bell.py: waits at RQ's queues (queues.py), with the worker's name up (nameplate.py)
    listen                 -> ear.py: what any process announced

While Redis is away the processes of one machine ring each other's local bells, and workers look into the table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Any

from redis.exceptions import RedisError

from frontdesk.desk.engine import Attendance, Engine, Errand, Post
from frontdesk.run.engines.redis.bell import Bell
from frontdesk.run.engines.redis.ear import Ear
from frontdesk.run.engines.redis.outbox import News, Outbox, Taken, Wake
from frontdesk.run.engines.redis.queues import Queues
from frontdesk.store.redis_link import RedisLink

log = logging.getLogger(__name__)

_WHOLE = "frontdesk:queues:whole"  # which life of Redis has every job that waits in its queues
_RESTORING = "frontdesk:queues:restoring"
_RESTORING_S = 60
_AT_ONCE = 500


class RedisEngine:
    """Carries ids by RQ's queues and news by publishing; `local` does it while Redis is away."""

    def __init__(self, link: RedisLink, local: Engine) -> None:
        self._link, self._local = link, local
        self._channel = f"frontdesk:{link.database}:news"  # channels know nothing of databases
        self._outbox = Outbox(link, self._channel, local, on_loss=lambda pipe: pipe.delete(_WHOLE))
        self._bells: list[Bell] = []

    def wake(self, waiting: Sequence[Errand]) -> None:
        """Put their ids in line."""
        self._outbox.put(Wake(waiting))

    def taken(self, errands: Sequence[Errand]) -> None:
        """Take their ids out of line."""
        in_hand: frozenset[str] = frozenset().union(*(bell.took(errands) for bell in self._bells))
        self._outbox.put(Taken(errands, in_hand))

    def announce(self, job_ids: Sequence[str]) -> None:
        """Publish these ids."""
        self._outbox.put(News(job_ids))

    def remind(self, lanes: Sequence[str], waiting: Iterable[Errand]) -> None:
        """Put in line what a restart or a break of Redis lost. Workers do not wait for it: they look by themselves."""
        client = self._link.client()
        try:
            life = _life(client)
            if client.get(_WHOLE) == life or not client.set(_RESTORING, "", nx=True, ex=_RESTORING_S):
                return
            queues = Queues(client)
            rest = iter(waiting)
            while errands := [*islice(rest, _AT_ONCE)]:
                queues.push(errands)
                client.expire(_RESTORING, _RESTORING_S)
            client.set(_WHOLE, life)
            client.delete(_RESTORING)
        except (RedisError, OSError):
            self._local.remind(lanes, waiting)
        finally:
            client.close()

    def attend(self, post: Post, woken: Callable[[str], None]) -> Attendance:
        """Wait at the queues of these lanes and tasks."""
        bell = Bell(self._link, post, woken)
        self._bells.append(bell)
        bell.start()
        return _Attendance(bell, self._local.attend(post, woken), lambda: self._bells.remove(bell))

    def listen(self, heard: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        """Hear what any process announces, and look when the line was broken."""
        ear = Ear(self._link, self._channel, heard)
        ear.start()
        stop_local = self._local.listen(heard)

        def stop() -> None:
            ear.stop()
            stop_local()

        return stop

    def close(self) -> None:
        """Send what is left, for a moment at most."""
        self._outbox.close()
        self._local.close()


class _Attendance:
    """A bell in Redis, and the one on this machine for when Redis is away."""

    def __init__(self, bell: Bell, local: Attendance, on_stop: Callable[[], None]) -> None:
        self._bell, self._local, self._on_stop = bell, local, on_stop

    def wants(self, lanes: Collection[str], held: int) -> None:
        self._bell.wants(lanes, held)
        self._local.wants(lanes, held)

    def stop(self) -> None:
        self._bell.stop()
        self._local.stop()
        self._on_stop()


def _life(client: Any) -> bytes:
    """Which run of Redis this is: after a restart it may be without what it had."""
    return str(client.info("server").get("run_id", "")).encode()
