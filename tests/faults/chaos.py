"""Harm at random, one fault after the other, from a shuffled deck so that each part gets each harm."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from support.server import until
from support.servers.process import ServerProcess

_LET_IT_NOTICE_S = 0.5


class Harm(StrEnum):
    """What can be done to a part."""

    KILL = "kill"  # all its processes at once, as when a machine fails
    WOUND = "wound"  # one of its processes, while the others go on
    FREEZE = "freeze"  # all of them, for longer than a lease
    RESTART = "restart"  # in order, as when it is updated


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the house. `heal` starts what does not run and waits until it answers."""

    name: str
    server: ServerProcess

    def heal(self) -> None:
        """Start it if it does not run, and wait until it answers."""
        process = self.server.process
        if process is None or process.poll() is not None:
            self.server.start()
        until(self.server.answers, self.server.patience_s, f"an answer of {self.name}", every_s=0.1)


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
                part.server.kill()
                time.sleep(self.random.uniform(0, 1))
            case Harm.WOUND:
                part.server.wound(self.random)
                time.sleep(_LET_IT_NOTICE_S)
            case Harm.FREEZE:
                part.server.freeze()
                try:
                    time.sleep(self.random.uniform(0.5, self.freeze_s))
                finally:
                    part.server.thaw()
            case Harm.RESTART:
                part.server.stop()


def in_background(work: Callable[[], None], name: str) -> threading.Thread:
    """A thread that does this work."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
