"""Tasks whose answers say where they were given, and that count how often they were asked."""

from __future__ import annotations

import os
import time
from pathlib import Path

import frontdesk as fd


def here() -> int:
    """The process of the node this runs on, by the name Ray gives it in the environment; 0 outside of Ray."""
    return int(os.environ.get("RAY_RAYLET_PID", "0"))


class Place(fd.Model):
    """Says on which node it is, and what it may use there."""

    task = "place"
    resources = fd.Resources(cpus=1)

    def predict(self, x: float = 0.0) -> fd.Json:
        return {"node": here(), "pid": os.getpid(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", "")}


class Graphic(Place):
    """The same with a graphics card."""

    task = "graphic"
    resources = fd.Resources(cpus=0, gpus=1)


class Giant(Place):
    """The same with more than there is."""

    task = "giant"
    resources = fd.Resources(cpus=0, gpus=64)


class Count(fd.Model):
    """Writes down which rows it was asked, and on which node; then adds one."""

    task = "count"
    resources = fd.Resources(cpus=1)

    def load(self, version: fd.Version) -> None:
        version.models_folder.mkdir(exist_ok=True)
        self.asked: Path = version.models_folder / f"asked-{here()}-{os.getpid()}.txt"

    def predict(self, x: float) -> float:
        with self.asked.open("a") as file:
            file.write(f"{x:g}\n")
        self._tell("+")
        time.sleep(0.005)
        self._tell("-")
        return x + 1

    def _tell(self, what: str) -> None:
        """What is in hand where, in the order of all nodes: they share the file, and each line is added whole."""
        with self.asked.with_name("hands.txt").open("a") as file:
            file.write(f"{what} {here()}\n")


class Deadly(fd.Model):
    """Ends its process over one number."""

    task = "deadly"

    def predict(self, x: float) -> float:
        if x == 13:
            os._exit(3)
        return x


class Quick(fd.Model):
    """Adds two numbers, many at a time."""

    task = "quick"

    def predict(self, a: float, b: float = 1.0) -> float:
        return a + b

    def predict_batch(self, a: list[float], b: list[float]) -> list[float]:
        return [x + y for x, y in zip(a, b, strict=True)]
