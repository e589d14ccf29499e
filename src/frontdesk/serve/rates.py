"""How many requests somebody sends in a minute, and the headers that say so.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10. A request is counted in this process, which takes
no lock, no row and no wait. Where there is Redis, what was counted is told there twenty times a second, and what
all processes counted together is heard: so they let through too many by no more than comes within that time. Without it
somebody may send that many to each process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Protocol

from frontdesk.serve.threads import in_thread

WINDOW_S = 60
_LARGEST, _FORGET_EVERY_S = 50_000, 5.0
_TELL_EVERY_S = 0.05
_KEYS_AT_ONCE = 1000


class Counted(Protocol):
    """What all processes counted, and how long the window still lasts."""

    @property
    def number(self) -> int: ...

    @property
    def left_s(self) -> float: ...


class Together(Protocol):
    """Where processes count together. It may take a while, and gives nothing while it cannot be reached."""

    def add(self, more: Mapping[str, int]) -> Mapping[str, Counted]:
        """Count this many more for each key; give the totals."""


class Standing:
    """Where somebody stands after a request: what is left of this minute, and how long it lasts."""

    __slots__ = ("is_over", "left", "limit", "reset_s")

    def __init__(self, limit: int, used: int, reset_s: float) -> None:
        self.limit, self.left = limit, max(limit - used, 0)
        self.reset_s = min(int(reset_s) + 1, WINDOW_S)
        self.is_over = used > limit

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The policy, and what is left."""
        return (
            (b"ratelimit-policy", b'"requests";q=%d;w=%d' % (self.limit, WINDOW_S)),
            (b"ratelimit", b'"requests";r=%d;t=%d' % (self.left, self.reset_s)),
        )


class Rates:
    """Counts requests by whoever sent them, in windows of a minute. For use on one event loop."""

    def __init__(self, together: Together | None = None) -> None:
        self._together = together
        self._windows: dict[str, list[float]] = {}
        self._forget_after = 0.0
        self._untold: dict[str, int] = {}
        self._telling: asyncio.Task[None] | None = None

    def take(self, key: str, limit: int) -> Standing:
        """One more request. It is counted even when it is too many: whoever does not listen waits longer."""
        at = monotonic()
        window = self._windows.get(key)
        if window is None or window[0] <= at:
            if len(self._windows) > _LARGEST and at > self._forget_after:
                self._forget(at)
            window = self._windows[key] = [at + WINDOW_S, 0]
        window[1] += 1
        if self._together is not None:
            self._untold[key] = self._untold.get(key, 0) + 1
            if self._telling is None:
                self._telling = asyncio.ensure_future(self._tell(self._together))
        return Standing(limit, int(window[1]), window[0] - at)

    def is_over(self, key: str, limit: int) -> bool:
        """Whether there were too many already; counts nothing."""
        window = self._windows.get(key)
        return window is not None and window[0] > monotonic() and window[1] >= limit

    async def _tell(self, together: Together) -> None:
        """Tell what was counted until there is nothing more to tell."""
        try:
            while self._untold:
                await asyncio.sleep(_TELL_EVERY_S)
                told = {key: self._untold.pop(key) for key in [*self._untold][:_KEYS_AT_ONCE]}
                for key, total in (await in_thread(together.add, told)).items():
                    self._adopt(key, total)
        finally:
            self._telling = None

    def _adopt(self, key: str, total: Counted) -> None:
        """Go on from what all counted. This process never forgets what it counted by itself: Redis may."""
        at = monotonic()
        window = self._windows.get(key)
        used = total.number + self._untold.get(key, 0)
        if window is None or window[0] <= at or used >= window[1]:
            self._windows[key] = [at + total.left_s, used]

    def _forget(self, at: float) -> None:
        self._windows = {key: window for key, window in self._windows.items() if window[0] > at}
        # Of very many who come at once all are remembered still: whoever is new must not cost a look at each of them.
        self._forget_after = at + _FORGET_EVERY_S
