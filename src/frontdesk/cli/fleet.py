"""The children of a server together: started, replaced one after another, stopped in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from itertools import count

from frontdesk.cli.children import Child
from frontdesk.errors import StoreUnavailable

log = logging.getLogger(__name__)

_PATIENCE_S = {"web": 10.0, "worker": 25.0}
_COMES_WITHIN_S = 60.0
_LOOK_AGAIN_S = 0.1


class Fleet:
    """`make` gives a child of a role and a number."""

    def __init__(self, make: Callable[[str, int], Child], *, webs: int, workers: int) -> None:
        self._make = make
        self._numbers = {"web": count(1), "worker": count(1)}
        self._children = [self._next("web") for _ in range(webs)]
        self._children += [self._next("worker") for _ in range(workers)]
        self._rolling: asyncio.Task[None] | None = None

    def _next(self, role: str) -> Child:
        return self._make(role, next(self._numbers[role]))

    def start(self) -> None:
        """Start all."""
        for child in self._children:
            child.start()

    def roll(self) -> None:
        """Begin to replace all; a wish while they are being replaced is none."""
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.create_task(self._roll())

    async def stop(self) -> None:
        """End all, those that are asked first."""
        if self._rolling is not None:
            self._rolling.cancel()
            await asyncio.gather(self._rolling, return_exceptions=True)
        for role in _PATIENCE_S:
            await _stop([child for child in self._children if child.spec.role == role])

    async def _roll(self) -> None:
        """One after another: a new one comes, then the old one finishes what it holds and goes."""
        log.info("replacing %s", ", ".join(child.spec.name for child in self._children))
        for place, old in enumerate(list(self._children)):
            new = self._next(old.spec.role)
            new.start()
            self._children.append(new)
            if not await _comes(new):
                log.error("%s does not come up, so the rest stays as it is", new.spec.name)
                self._children.remove(new)
                await _stop([new])
                return
            await _stop([old])
            self._children.remove(new)
            self._children[place] = new
        log.info("replaced by %s", ", ".join(child.spec.name for child in self._children))


async def _comes(child: Child) -> bool:
    """Whether it is ready before long."""
    end = time.monotonic() + _COMES_WITHIN_S
    while time.monotonic() < end:
        if await asyncio.to_thread(child.spec.note.exists):
            return True
        await asyncio.sleep(_LOOK_AGAIN_S)
    return False


async def _stop(children: Sequence[Child]) -> None:
    await asyncio.gather(*(child.stop(_PATIENCE_S[child.spec.role]) for child in children))
    for child in children:  # one that had to be ended by force may have held jobs
        try:
            await asyncio.to_thread(child.on_death, child.spec.name)
        except StoreUnavailable as error:  # then their leases run out
            log.warning("the jobs of %s could not be taken back: %s", child.spec.name, error)
