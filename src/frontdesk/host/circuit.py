"""Leaving a back end alone that does not answer, so that callers hear it at once instead of after a time-out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from frontdesk.errors import NoAnswer

_LONGEST_PAUSE_S = 60.0


class Circuit:
    """Closed while all is well; open for a pause after `limit` failures in a row, twice as long after each more."""

    def __init__(
        self,
        limit: int,
        pause_s: float,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._pause_s, self._tell, self._clock = limit, pause_s, tell, clock
        self._failures, self._opens_at = 0, 0.0
        self._reason = ""

    @property
    def is_on_trial(self) -> bool:
        """It was open, the pause is over, and nothing has been answered since."""
        return self._failures >= self._limit

    def check(self) -> None:
        """Raise NoAnswer while the back end is left alone."""
        if (rest_s := self._opens_at - self._clock()) > 0:
            raise NoAnswer(self._sentence(rest_s), rest_s)

    def answered(self) -> None:
        """All is well."""
        if self._failures:
            self._failures, self._opens_at = 0, 0.0
            self._tell("")

    def failed(self, reason: str) -> NoAnswer:
        """It was asked in vain; what to raise."""
        self._failures, self._reason = self._failures + 1, reason
        if self._failures < self._limit:
            self._tell(f"This back end did not answer the last time: {reason}")
            return NoAnswer(f"This back end does not answer: {reason}", 1.0)
        doublings = min(self._failures - self._limit, 10)
        rest_s = min(self._pause_s * 2**doublings, _LONGEST_PAUSE_S)
        self._opens_at = self._clock() + rest_s
        self._tell(f"This back end does not answer: {reason} It is left alone between tries.")
        return NoAnswer(self._sentence(rest_s), rest_s)

    def _sentence(self, rest_s: float) -> str:
        return f"This back end does not answer: {self._reason} It is asked again in {math.ceil(rest_s)} s."
