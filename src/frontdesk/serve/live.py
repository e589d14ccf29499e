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
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any, cast

import msgspec
from starlette.requests import HTTPConnection

from frontdesk.desk.engine import Engine
from frontdesk.desk.job import Job, JobEvent, JobState
from frontdesk.desk.queue import Desk
from frontdesk.errors import StoreUnavailable
from frontdesk.serve.threads import in_thread

HEARTBEAT_S = 10.0
_PAUSE_FACTOR = 5
_LONGEST_PAUSE_S = 0.2
_BLIND_PAUSE_S = 1.0
_ROWS_PER_LOOK = 500
_ALL = ""
_OPENING = b"retry: 1000\n\n"
_HEARTBEAT = b": still here\n\n"  # keeps proxies from hanging up, and tells a client that the line is good


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
        self.closing = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether this process ends."""
        return self.closing.is_set()

    def start(self) -> None:
        """Listen; call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._stop_listening = self._engine.listen(self._hear)

    def stop(self) -> None:
        """Hear nothing more, and let every stream end."""
        if self.closed:
            return
        self.closing.set()
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
        """On the engine's thread. No ids: some were missed, so everybody looks."""
        if not self._watches and not self._watches_of_all:
            return
        with self._lock:
            is_first = not self._heard
            self._heard.update(job_ids or [_ALL])
        if is_first and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        with self._lock:
            heard, self._heard = self._heard, set()
        for watch in self._watches_of_all:
            watch.notice()
        for job_id in [*self._watches] if _ALL in heard else heard & self._watches.keys():
            for watch in self._watches[job_id]:
                watch.notice()


def hub_of(request: HTTPConnection) -> Hub:
    """The hub of the app that got this request."""
    return cast(Hub, request.app.state.hub)


def reader_of(request: HTTPConnection) -> Reader:
    """The reader of the app that got this request."""
    return cast(Reader, request.app.state.reader)


class EventDocument(msgspec.Struct, frozen=True):
    """The `data` of a server-sent event. `data` depends on `event`: state, progress, metrics or log."""

    job: str
    event: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the rows found: framed events, the id of the last, and the state it leaves the job in.

    `is_blind`: nothing could be read; the line stays up, and looks again soon.
    """

    frames: bytes
    last_id: int
    rows: int
    state: str | None
    took_s: float
    is_blind: bool = False


class Reader:
    """Reads events for streams. Those that are equally far, which is nearly all, share one look."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: dict[tuple[str, str | None, int], asyncio.Future[Look]] = {}

    async def look(self, owner: str, job_id: str | None, after: int) -> Look:
        """The next events after the one with id `after`."""
        key = (owner, job_id, after)
        look = self._under_way.get(key)
        if look is None:
            look = self._under_way[key] = asyncio.ensure_future(in_thread(self._look, owner, job_id, after))
            look.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(look)

    def _look(self, owner: str, job_id: str | None, after: int) -> Look:
        began = perf_counter()
        try:
            events = self._desk.events(owner, job_id, after=after, limit=_ROWS_PER_LOOK)
        except StoreUnavailable:
            return Look(b"", after, 0, None, 0.0, is_blind=True)
        states = [event.data["state"] for event in events if event.event == "state"]
        return Look(
            frames=b"".join(map(_framed, events)),
            last_id=events[-1].id if events else after,
            rows=len(events),
            state=states[-1] if states else None,
            took_s=perf_counter() - began,
        )


def _framed(event: JobEvent) -> bytes:
    document = EventDocument(event.job, event.event, event.at, event.data)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        event.id,
        event.event.encode(),
        msgspec.json.encode(document),
    )


async def job_stream(hub: Hub, reader: Reader, job: Job, after: int) -> AsyncIterator[bytes]:
    """The events of one job after the one with id `after`, until the job is over."""
    is_over = job.state.is_final
    yield _OPENING
    with hub.watching(job.id) as watch:
        while not hub.closed:
            look = await reader.look(job.owner, job.id, after)
            after = look.last_id
            if look.state is not None:
                is_over = JobState(look.state).is_final
            if look.frames:
                yield look.frames
            if is_over and look.rows < _ROWS_PER_LOOK and not look.is_blind:
                yield b"event: end\ndata: {}\n\n"
                return
            if not await _news(watch, look):
                yield _HEARTBEAT


async def owner_stream(hub: Hub, reader: Reader, owner: str, after: int) -> AsyncIterator[bytes]:
    """The events of all of an owner's jobs after the one with id `after`, for as long as somebody listens."""
    yield _OPENING
    with hub.watching() as watch:
        while not hub.closed:
            look = await reader.look(owner, None, after)
            after = look.last_id
            if look.frames:
                yield look.frames
            if not await _news(watch, look):
                yield _HEARTBEAT


async def _news(watch: Watch, look: Look) -> bool:
    """Wait until it is worth looking again; False when it merely is time to show that the line is good."""
    if look.is_blind:
        await asyncio.sleep(_BLIND_PAUSE_S)
        return False
    # What looking costs decides how soon it is done again: at once while it is cheap, together when there is much.
    await asyncio.sleep(min(_PAUSE_FACTOR * look.took_s, _LONGEST_PAUSE_S))
    return look.rows == _ROWS_PER_LOOK or await watch.wait(HEARTBEAT_S)
