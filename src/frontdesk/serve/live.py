"""News of jobs as it happens: who watches which, and the server-sent event streams.

The engine's hints arrive on a thread of its own and cross to the event loop in one call for
however many there are. A hint only says "look"; what is sent is read from the rows, in the thread pool.
So no stream has a thread, a burst costs one look, and a lost hint costs at most a heartbeat.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from starlette.requests import HTTPConnection

from frontdesk.desk.engine import Engine
from frontdesk.desk.job import JobEvent
from frontdesk.desk.queue import Desk
from frontdesk.serve.threads import in_thread

HEARTBEAT_S = 10.0
_PAUSE_S = 0.05  # between two looks of one stream: what changes faster is sent together
_ROWS_PER_LOOK = 500
_RECONNECT_MS = 1000


class Watch:
    """One watcher's end: set whenever something it watches may have changed."""

    __slots__ = ("_changed",)

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def notice(self) -> None:
        """Something changed."""
        self._changed.set()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a change since the last wait; False when there was none in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        finally:
            self._changed.clear()
        return True


class Hub:
    """Tells watchers on the event loop what the engine's thread hears."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watches: dict[str, set[Watch]] = {}
        self._watches_of_all: set[Watch] = set()
        self._heard: set[str] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_listening: Callable[[], None] = lambda: None
        self.closed = False

    def start(self) -> None:
        """Listen; call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._stop_listening = self._engine.listen(self._hear)

    def stop(self) -> None:
        """Hear nothing more, and let every stream end."""
        if self.closed:
            return
        self.closed = True
        self._stop_listening()
        for watch in [
            *self._watches_of_all,
            *(watch for watches in self._watches.values() for watch in watches),
        ]:
            watch.notice()

    @contextlib.contextmanager
    def watching(self, job_id: str | None = None) -> Iterator[Watch]:
        """Watch one job, or all; begin before reading the rows, and nothing is missed."""
        watch = Watch()
        watches = self._watches_of_all if job_id is None else self._watches.setdefault(job_id, set())
        watches.add(watch)
        try:
            yield watch
        finally:
            watches.discard(watch)
            if job_id is not None and not watches:
                self._watches.pop(job_id, None)

    def _hear(self, job_ids: Sequence[str]) -> None:
        """On the engine's thread."""
        if not self._watches and not self._watches_of_all:
            return
        with self._lock:
            is_first = not self._heard
            self._heard.update(job_ids)
        if is_first and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        with self._lock:
            heard, self._heard = self._heard, set()
        for watch in self._watches_of_all:
            watch.notice()
        for job_id in heard & self._watches.keys():
            for watch in self._watches[job_id]:
                watch.notice()


def hub_of(request: HTTPConnection) -> Hub:
    """The hub of the app that got this request."""
    return cast(Hub, request.app.state.hub)


class EventDocument(msgspec.Struct, frozen=True):
    """The `data` of a server-sent event. `data` depends on `event`: state, progress, metrics or log."""

    job: str
    event: str
    at: datetime
    data: dict[str, Any]


def _framed(event: JobEvent) -> bytes:
    document = EventDocument(event.job, event.event, event.at, event.data)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        event.id,
        event.event.encode(),
        msgspec.json.encode(document),
    )


async def event_stream(
    hub: Hub, desk: Desk, owner: str, job_id: str | None, after: int, is_over: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Events after the one with id `after`, then new ones as they come, until `is_over` (asked in a thread).

    Comments keep proxies from hanging up and tell a client that the line is good.
    """
    yield b"retry: %d\n\n" % _RECONNECT_MS
    with hub.watching(job_id) as watch:
        while not hub.closed:
            # Whether it is over is asked first: what happens between the two questions is then still read.
            over = await in_thread(is_over)
            events = await in_thread(desk.events, owner, job_id, after=after, limit=_ROWS_PER_LOOK)
            if events:
                after = events[-1].id
                yield b"".join(map(_framed, events))
            if len(events) == _ROWS_PER_LOOK:
                continue
            if over:
                yield b"event: end\ndata: {}\n\n"
                return
            if await watch.wait(HEARTBEAT_S):
                await asyncio.sleep(_PAUSE_S)
            else:
                yield b": still here\n\n"
