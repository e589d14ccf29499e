"""Tasks that cost nothing, wait, print, crash or hang on request."""

from __future__ import annotations

import ctypes
import time
from typing import Annotated, Literal

import frontdesk as fd


class Doubling(fd.Model):
    """Doubles a number, after a pause where one is asked for."""

    task = "double"

    def predict(self, x: float = 1.0, pause_s: Annotated[float, fd.Number(ge=0, le=600)] = 0.0) -> float:
        time.sleep(pause_s)
        return 2 * x


class Trouble(fd.Model):
    """Does what a bad model does."""

    task = "trouble"
    timeout_s = 5.0

    def predict(self, what: Literal["nothing", "raise", "segfault", "hang", "refuse"] = "nothing") -> str:
        match what:
            case "raise":
                raise RuntimeError("this model's own code failed")
            case "segfault":
                ctypes.string_at(0)
            case "hang":
                time.sleep(3600)
            case "refuse":
                raise fd.InvalidInput("what", "This model refuses that.")
        return "fine"
