"""Tasks with everything a web process has to handle: every kind of trouble, files, several models."""

from __future__ import annotations

import ctypes
import time
from typing import Annotated, Literal

import frontdesk as fd


class Doubling(fd.Model):
    """Doubles a number, after a pause where one is asked for."""

    task = "double"

    def predict(
        self,
        x: Annotated[float, fd.Number(ge=-1000, le=1000)],
        pause_s: Annotated[float, fd.Number(ge=0, le=60)] = 0.0,
    ) -> float:
        time.sleep(pause_s)
        if x == 666:
            raise fd.InvalidInput("x", "Anything but this.")
        return 2 * x


class Trouble(fd.Model):
    """Does what a bad model does."""

    task = "trouble"
    timeout_s = 0.5

    def predict(self, what: Literal["nothing", "raise", "segfault", "hang", "refuse"] = "nothing") -> str:
        match what:
            case "raise":
                raise RuntimeError("this model's own code failed")
            case "segfault":
                ctypes.string_at(0)
            case "hang":
                time.sleep(60)
            case "refuse":
                raise fd.InvalidInput("what", "This model refuses that.")
        return "fine"


class _Measuring(fd.Model):
    def predict(self, content: Annotated[bytes, fd.File(max_bytes=100_000)], note: str = "") -> str:
        return f"{self.name}: {len(content)} bytes {note}".strip()


class Plain(_Measuring):
    """Says how long a file is."""

    task = "measure"
    name = "plain"


class Other(_Measuring):
    """Says the same."""

    task = "measure"
    name = "other"


class Untrained(fd.Model):
    """Has never been trained."""

    task = "untrained"

    def load(self, version: fd.Version) -> None:
        raise fd.NotTrained("It has to be trained first.")

    def predict(self, x: float = 0.0) -> float:
        return x

    def train(self, run: fd.Run, epochs: Annotated[int, fd.Integer(ge=1)] = 1) -> fd.Metrics:
        return fd.Metrics(score=1.0)
