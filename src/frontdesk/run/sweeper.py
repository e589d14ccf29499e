"""A thread that has desk and workers look for what crashes, lost wake-ups and time leave behind."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Protocol

log = logging.getLogger(__name__)


class Swept(Protocol):
    """What has to be looked after now and then."""

    def sweep(self) -> None: ...


class Sweeper:
    """Sweeps every `every_s` seconds between `start` and `stop`. Several may sweep one table."""

    def __init__(self, swept: Sequence[Swept], *, every_s: float) -> None:
        self._swept, self._every_s = swept, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        """Begin, with a sweep at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the sweep in hand."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for one in self._swept:
                try:
                    one.sweep()
                except Exception:
                    # A sweep that fails is tried again; it must not end all sweeping.
                    log.exception("a sweep failed")
            if self._stop.wait(self._every_s):
                return
