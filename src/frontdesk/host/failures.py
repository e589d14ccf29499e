"""How long to pause after a failure, and when to give up."""

from __future__ import annotations


class Failures:
    """Counts what went wrong in a row. An answered call proves a model, a finished load proves its loading."""

    def __init__(
        self, *, crash_limit: int, failed_load_limit: int, first_pause_s: float, longest_pause_s: float
    ) -> None:
        self._crash_limit, self._failed_load_limit = crash_limit, failed_load_limit
        self._first_pause_s, self._longest_pause_s = first_pause_s, longest_pause_s
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._crashes = self._failed_loads = 0

    def answered(self) -> None:
        """The model answered a call."""
        self._crashes = 0

    def loaded(self) -> None:
        """The model was loaded."""
        self._failed_loads = 0

    def crashed(self) -> None:
        """The process died after it was loaded."""
        self._crashes += 1

    def load_failed(self) -> None:
        """The model could not be loaded."""
        self._failed_loads += 1

    @property
    def verdict(self) -> str:
        """Why it makes no sense to try again; empty while it does."""
        if self._crashes >= self._crash_limit:
            return f"It crashed {self._crashes} times in a row."
        if self._failed_loads >= self._failed_load_limit:
            return f"It could not be loaded, {self._failed_loads} times in a row."
        return ""

    @property
    def pause_s(self) -> float:
        """How long to wait before the next try: twice as long after each failure."""
        failures = max(self._crashes, self._failed_loads, 1)
        return float(min(self._first_pause_s * 2 ** min(failures - 1, 30), self._longest_pause_s))
