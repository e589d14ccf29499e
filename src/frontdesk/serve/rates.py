"""How many requests somebody sends in a minute, and the headers that say so.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10. Each web process counts for itself: it takes
no lock and no row, so with several processes somebody may send that many to each.
"""

from __future__ import annotations

from time import monotonic

WINDOW_S = 60
_LARGEST = 50_000


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
    """Counts requests by whoever sent them, in windows of a minute."""

    def __init__(self) -> None:
        self._windows: dict[str, list[float]] = {}

    def take(self, key: str, limit: int) -> Standing:
        """One more request. It is counted even when it is too many: whoever does not listen waits longer."""
        at = monotonic()
        window = self._windows.get(key)
        if window is None or window[0] <= at:
            if len(self._windows) > _LARGEST:
                self._forget(at)
            window = self._windows[key] = [at + WINDOW_S, 0]
        window[1] += 1
        return Standing(limit, int(window[1]), window[0] - at)

    def is_over(self, key: str, limit: int) -> bool:
        """Whether there were too many already; counts nothing."""
        window = self._windows.get(key)
        return window is not None and window[0] > monotonic() and window[1] >= limit

    def _forget(self, at: float) -> None:
        self._windows = {key: window for key, window in self._windows.items() if window[0] > at}
