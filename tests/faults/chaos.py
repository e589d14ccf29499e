"""Harm at random, one fault after the other, from a shuffled deck so that each part gets each harm."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Harm(StrEnum):
    """What can be done to a part."""

    KILL = "kill"  # all its processes at once, as when a machine fails
    WOUND = "wound"  # one of its processes, while the others go on
    FREEZE = "freeze"  # all of them, for longer than a lease
    RESTART = "restart"  # in order, as when it is updated


class Part(Protocol):
    """A part of the house, and what can be done to it."""

    name: str

    def kill(self) -> None:
        """End all its processes with SIGKILL."""

    def wound(self) -> None:
        """End one of its processes, any but the first, with SIGKILL; all where there is but one."""

    def freeze(self) -> None:
        """Stop all its processes with SIGSTOP."""

    def thaw(self) -> None:
        """Let them go on."""

    def stop(self) -> None:
        """End it in order."""

    def heal(self) -> None:
        """Start it if it does not run, and wait until it answers."""


@dataclass(slots=True)
class Chaos:
    """`run` hurts until it is told to end; then all is whole again."""

    parts: Sequence[Part]
    random: random.Random
    freeze_s: float
    pause_s: float
    say: Callable[[str], None]
    injected: int = 0
    _deck: list[tuple[Part, Harm]] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Hurt for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            part, harm = self._draw()
            self.say(f"{harm} {part.name}")
            self.injected += 1
            self._hurt(part, harm)
            part.heal()
            time.sleep(self.random.uniform(0.2, self.pause_s))

    def _draw(self) -> tuple[Part, Harm]:
        if not self._deck:
            self._deck = [(part, harm) for part in self.parts for harm in Harm]
            self.random.shuffle(self._deck)
        return self._deck.pop()

    def _hurt(self, part: Part, harm: Harm) -> None:
        match harm:
            case Harm.KILL:
                part.kill()
                time.sleep(self.random.uniform(0, 1))
            case Harm.WOUND:
                part.wound()
            case Harm.FREEZE:
                part.freeze()
                try:
                    time.sleep(self.random.uniform(0.5, self.freeze_s))
                finally:
                    part.thaw()
            case Harm.RESTART:
                part.stop()


def in_background(work: Callable[[], None], name: str) -> threading.Thread:
    """A thread that does this work."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
