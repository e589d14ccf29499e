"""How many predict jobs a worker holds at once.

Many at a time share micro-batches and commits, so fast models want a wide window. But every job
held is one attempt spent if the worker is killed, so slow models want a narrow one. The window
doubles while jobs come back at once and halves when they do not (the idea of slow start in
congestion control, RFC 5681, with time in place of loss).
"""

from __future__ import annotations

_WIDEN_BELOW_S = 0.1
_NARROW_ABOVE_S = 0.5


class Window:
    """`size` jobs may be held; tell it how long each took from claim to answer."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.size = 1

    def answered(self, seconds: float) -> None:
        """Learn from one job."""
        if seconds < _WIDEN_BELOW_S:
            self.size = min(self.size * 2, self._largest)
        elif seconds > _NARROW_ABOVE_S:
            self.size = max(self.size // 2, 1)
