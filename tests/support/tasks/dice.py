"""Models whose answers differ each time they are asked, so that one which comes again was kept."""

from __future__ import annotations

import random
from typing import Annotated

import frontdesk as fd


class Dice(fd.Model):
    """Throws a die, and keeps what it shows for a while."""

    task = "dice"
    cache_s = 600

    def predict(self, sides: float = 6.0, note: Annotated[bytes, fd.File()] | None = None) -> float:
        return random.uniform(1, sides)


class Fresh(fd.Model):
    """Throws a die each time."""

    task = "dice"

    def predict(self, sides: float = 6.0, note: Annotated[bytes, fd.File()] | None = None) -> float:
        return random.uniform(1, sides)


class OtherDice(fd.Model):
    """Looks just like the first, and is another task."""

    task = "other_dice"
    name = "dice"
    cache_s = 600

    def predict(self, sides: float = 6.0, note: Annotated[bytes, fd.File()] | None = None) -> float:
        return random.uniform(1, sides)


class Brief(fd.Model):
    """Its answers hold for half a second."""

    task = "brief"
    cache_s = 0.5

    def predict(self, sides: float = 6.0) -> float:
        return random.uniform(1, sides)


class Stumbling(fd.Model):
    """Fails at first, then answers."""

    task = "stumbling"
    cache_s = 600

    def load(self, version: fd.Version) -> None:
        self.has_failed = False

    def predict(self, sides: float = 6.0) -> float:
        if not self.has_failed:
            self.has_failed = True
            raise RuntimeError("not yet")
        return random.uniform(1, sides)


class Trained(fd.Model):
    """Says which version it is, and a number it draws each time."""

    task = "trained"
    cache_s = 600

    def load(self, version: fd.Version) -> None:
        self.number = version.number

    def predict(self, sides: float = 6.0) -> float:
        return self.number + random.random()

    def train(self, run: fd.Run) -> fd.Metrics:
        return {}
