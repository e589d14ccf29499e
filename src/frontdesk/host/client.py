"""How a process asks models: one connection for each host, many calls on it at a time.

    HostClient ── ControlLine ── supervisor      where does it live? end it, restart it, what is there?
        └── one Link for each model asked ── host      calls and answers

When a host dies, every call that was in flight is asked once more, `solo`: in a batch of its own and
announced. So the second time it is known which call kills, and only that one fails
(docs/decisions/0004).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from frontdesk.errors import (
    CallTimeout,
    FrontdeskError,
    HostCrashed,
    HostUnreachable,
    ModelBroken,
    NotFound,
    NotTrained,
    Overloaded,
)
from frontdesk.host.control import ControlLine
from frontdesk.host.link import HostAnswer, HostLost, Link
from frontdesk.host.messages import (
    Done,
    Ensure,
    Follow,
    HostStatus,
    Kill,
    Located,
    LogRead,
    ReadLog,
    Restart,
    Survey,
    Surveyed,
)

__all__ = ["UNHEARD", "HostAnswer", "HostClient"]

UNHEARD = "unheard"
"""`task.cancel(UNHEARD)`: nobody waits for this call any more, but that is no reason to end the model."""

_PATIENCE_S = 5.0
_LOOK_PATIENCE_S = 1.0
_PAUSE_S = 0.02
_RESENDS_LIMIT = 10
"""An unlucky call may be in the way of several that kill; but not for ever."""


@dataclass(slots=True, eq=False)
class _Route:
    """The way to one model: `version` 0 leads to whichever is live."""

    task: str
    model: str
    version: int
    timeout_s: float
    link: Link | None = None
    opening: asyncio.Task[None] | None = None
    waiting: int = 0


class HostClient:
    """For use on one event loop."""

    def __init__(self, control_socket: Path, *, call_timeout_s: float, queue_limit: int) -> None:
        self._control = ControlLine(control_socket)
        self._call_timeout_s, self._queue_limit = call_timeout_s, queue_limit
        self._routes: dict[tuple[str, str, int], _Route] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    # ------------------------------------------------------------------------- calls

    async def call(
        self,
        task: str,
        model: str,
        version: int | None,
        inputs: msgspec.Struct | Mapping[str, Any],
        *,
        timeout_s: float | None = None,
        on_cancel: Literal["drop", "kill"] = "drop",
        rows: int = 0,
    ) -> HostAnswer:
        """Ask a model, started if need be; None means its live version.

        `timeout_s` is for the model's work; without it the model's own limit counts, or else the
        installation's. When the caller is cancelled, a call still in line is dropped; one the model
        works on goes on unheard, or with `on_cancel="kill"` is ended together with its host (but see UNHEARD).
        With `rows` it is that many questions, `inputs` has a list for each input, and the answer is a RowsAnswer.
        """
        key = (task, model, version or 0)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = _Route(*key, self._call_timeout_s)
        if route.waiting >= self._queue_limit:
            raise Overloaded(f"{route.waiting} calls wait for this model already.")
        route.waiting += 1
        try:
            return await self._call(route, inputs, timeout_s, on_cancel == "kill", rows)
        finally:
            route.waiting -= 1
            if not route.waiting and route.link is None and route.opening is None:
                # It leads nowhere. Anybody may ask for versions that there are not, one after another.
                self._routes.pop(key, None)

    async def _call(
        self, route: _Route, inputs: Any, timeout_s: float | None, kill: bool, rows: int
    ) -> HostAnswer:
        solo = False
        for _ in range(1 + _RESENDS_LIMIT):
            while (link := route.link) is None:
                await self._open(route)
            pending = link.send(inputs, solo=solo, timeout_s=timeout_s or route.timeout_s, rows=rows)
            try:
                return await pending.answer
            except HostLost as lost:
                if lost.begun:
                    break
                solo = True
            except asyncio.CancelledError as cancelled:
                link.forget(pending, kill=kill and UNHEARD not in cancelled.args)
                raise
        raise HostCrashed("The model's process died while it worked on this.")

    # ------------------------------------------------------------------- finding hosts

    async def _open(self, route: _Route) -> None:
        """Give the route a link, made once for all who wait for it."""
        if self._closed:
            raise HostUnreachable("This process is stopping.")
        if route.opening is None:
            route.opening = self._spawn(self._connect(route))
            route.opening.add_done_callback(lambda _: setattr(route, "opening", None))
        try:
            async with asyncio.timeout(self._call_timeout_s):
                # Shielded: the next caller waits for the same, even if this one does not any more.
                await asyncio.shield(route.opening)
        except TimeoutError:
            raise CallTimeout(f"The model was still starting after {self._call_timeout_s:g} s.") from None
        except asyncio.CancelledError:
            if self._closed:
                raise HostUnreachable("This process is stopping.") from None
            raise

    async def _connect(self, route: _Route) -> None:
        loop = asyncio.get_running_loop()
        while True:
            question = Ensure(0, route.task, route.model, route.version)
            found = await self._control.ask(question, Located, patience_s=_PATIENCE_S)
            if found.state != "ready":
                raise _reason(found)
            route.timeout_s = found.timeout_s or self._call_timeout_s

            make = functools.partial(
                Link,
                found.version,
                kill=functools.partial(self._kill_soon, route, found),
                gone=functools.partial(_leave, route),
            )
            # A host that just died is still thought ready for a moment.
            with contextlib.suppress(OSError):
                _, link = await loop.create_unix_connection(make, found.socket)
                if link.usable:
                    route.link = link
                    return
            await asyncio.sleep(_PAUSE_S)

    def _kill_soon(self, route: _Route, found: Located, reason: str) -> None:
        _ = self._spawn(self._kill(route, found, reason))

    async def _kill(self, route: _Route, found: Located, reason: str) -> None:
        question = Kill(0, route.task, route.model, found.version, found.generation, reason)
        with contextlib.suppress(HostUnreachable):  # then the hosts are gone as well
            await self._control.ask(question, Done, patience_s=_PATIENCE_S)

    # ---------------------------------------------------------------------- looking after

    async def survey(self) -> list[HostStatus]:
        """Every model and how its host is. Raises HostUnreachable."""
        return list((await self._control.ask(Survey(0), Surveyed, patience_s=_LOOK_PATIENCE_S)).hosts)

    async def restart(self, task: str, model: str) -> None:
        """Try a broken or running model afresh; what is in it is answered first."""
        await self._control.ask(Restart(0, task, model), Done, patience_s=_LOOK_PATIENCE_S)

    async def warm(self, task: str, model: str, version: int) -> None:
        """Have this version loaded and ready to answer. Raises what asking it would raise."""
        question = Ensure(0, task, model, version)
        found = await self._control.ask(question, Located, patience_s=_PATIENCE_S)
        if found.state != "ready":
            raise _reason(found)

    async def follow(self, task: str, model: str) -> None:
        """Another version was made live: have it answer. What is under way is answered by the one before."""
        await self._control.ask(Follow(0, task, model), Done, patience_s=_LOOK_PATIENCE_S)

    async def log(self, task: str, model: str) -> str:
        """The end of what the model's code printed."""
        return (await self._control.ask(ReadLog(0, task, model), LogRead, patience_s=_LOOK_PATIENCE_S)).text

    async def close(self) -> None:
        """Let go of all hosts. Calls still waited for end with HostUnreachable."""
        self._closed = True
        for route in self._routes.values():
            if route.link is not None:
                route.link.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._control.close()

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody waiting is no mistake


def _leave(route: _Route, link: Link) -> None:
    """No more calls may be sent on this link."""
    if route.link is link:
        route.link = None


def _reason(found: Located) -> FrontdeskError:
    match found.state:
        case "unknown":
            return NotFound(found.reason)
        case "untrained":
            return NotTrained(found.reason)
        case "broken":
            return ModelBroken(found.reason)
    return HostUnreachable(found.reason or "The model is not running; try again shortly.")
