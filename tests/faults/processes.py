"""A part of the house that is processes of its own: started, hurt and looked after."""

from __future__ import annotations

import contextlib
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from support.server import until

_START_S = 60.0
_STOP_S = 40.0


@dataclass(slots=True)
class Processes:
    """A tree of processes. `start` gives the id of its root, `is_well` says whether it answers.

    `choose` picks the process that is wounded.
    """

    name: str
    start: Callable[[], int]
    is_well: Callable[[], bool]
    choose: random.Random
    root: psutil.Process | None = None

    def heal(self) -> None:
        """Start it if it does not run, and wait until it answers."""
        if not self._runs():
            self.kill()  # what the root left behind
            self.root = psutil.Process(self.start())
        until(self.is_well, _START_S, f"an answer of {self.name}", every_s=0.1)

    def kill(self) -> None:
        """End all its processes with SIGKILL."""
        family = self._family()
        self._signal(family, signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)

    def wound(self) -> None:
        """End one of its processes with SIGKILL; the only one where there is but one."""
        family = self._family()
        self._signal([self.choose.choice(family[1:] or family)], signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all its processes."""
        self._signal(self._family(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(self._family(), signal.SIGCONT)

    def stop(self) -> None:
        """End it in order; by force what will not."""
        family = self._family()
        self._signal(family[:1], signal.SIGTERM)
        _, alive = psutil.wait_procs(family[:1], timeout=_STOP_S)
        if alive:
            raise AssertionError(f"{self.name} did not end within {_STOP_S:g} s of being asked to")
        self._signal(family, signal.SIGKILL)

    def _runs(self) -> bool:
        return (
            self.root is not None and self.root.is_running() and self.root.status() != psutil.STATUS_ZOMBIE
        )

    def _family(self) -> list[psutil.Process]:
        """The root and all that came of it, the root first."""
        if self.root is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self.root, *self.root.children(recursive=True)]
        return []

    @staticmethod
    def _signal(family: list[psutil.Process], number: signal.Signals) -> None:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
