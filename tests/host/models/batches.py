"""Models that answer many calls at once."""

from __future__ import annotations

import ctypes
import time

import frontdesk as fd


class Together(fd.Model):
    """Says how many calls it was given at once."""

    task = "together"
    max_batch = 8

    def predict(self, x: float = 1.0, pause_s: float = 0.0) -> float:
        raise AssertionError("predict_batch is there, so it is what is called")

    def predict_batch(self, x: list[float], pause_s: list[float]) -> list[float]:
        if -1.0 in x:
            raise ValueError("one of them is bad")
        if -2.0 in x:
            ctypes.string_at(0)
        time.sleep(max(pause_s))
        return [float(len(x))] * len(x)
