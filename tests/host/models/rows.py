"""Tasks for batch files: one that costs nothing, one that fails on some rows, one without predict_batch."""

from __future__ import annotations

import os
import time
from typing import Annotated, Literal

import frontdesk as fd


class Sum(fd.Model):
    """Adds two numbers."""

    task = "sum"

    def predict(self, a: Annotated[float, fd.Number(ge=0, le=1000)], b: float = 1.0) -> float:
        return a + b

    def predict_batch(self, a: list[float], b: list[float]) -> list[float]:
        return [x + y for x, y in zip(a, b, strict=True)]


class Picky(fd.Model):
    """Refuses one word, breaks on another, dies of a third."""

    task = "picky"

    def predict(self, word: str, kind: Literal["soft", "hard"] = "soft") -> fd.Classification:
        match word:
            case "refuse":
                raise fd.InvalidInput("word", "This word is refused.")
            case "raise":
                raise RuntimeError("this word is too much")
            case "die":
                os._exit(3)
            case "slow":
                time.sleep(0.5)
        return fd.Classification({"short": 1 / len(word), "long": 1 - 1 / len(word)})
