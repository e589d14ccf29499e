"""Models whose loading goes wrong, or takes long."""

from __future__ import annotations

import os
import time
from pathlib import Path

import frontdesk as fd


class Raises(fd.Model):
    task = "raises"

    def load(self, version: fd.Version) -> None:
        raise ValueError("the weights are damaged")

    def predict(self, x: float = 1.0) -> float:
        return x


class Exits(fd.Model):
    task = "exits"

    def load(self, version: fd.Version) -> None:
        os._exit(9)

    def predict(self, x: float = 1.0) -> float:
        return x


class Missing(fd.Model):
    task = "missing"

    def load(self, version: fd.Version) -> None:
        if not (version.models_folder / "weights.txt").exists():
            raise fd.NotTrained("The weights are not there; put them there.")

    def predict(self, x: float = 1.0) -> float:
        return x


class Flaky(fd.Model):
    """Can be loaded the third time."""

    task = "flaky"

    def load(self, version: fd.Version) -> None:
        tries = version.models_folder / "tries"
        tries.mkdir(parents=True, exist_ok=True)
        (tries / str(os.getpid())).touch()
        if len(list(tries.iterdir())) < 3:
            raise OSError("not yet")

    def predict(self, x: float = 1.0) -> float:
        return x


class Slow(fd.Model):
    task = "slow"

    def load(self, version: fd.Version) -> None:
        time.sleep(1.0)

    def predict(self, x: float = 1.0) -> float:
        return x


class Stuck(fd.Model):
    """Is never loaded as long as a file is there."""

    task = "stuck"

    def load(self, version: fd.Version) -> None:
        while (version.models_folder / "stuck").exists():
            time.sleep(3600)

    def predict(self, x: float = 1.0) -> float:
        return x


class Trainable(fd.Model):
    """Trains itself where nobody has."""

    task = "trainable"
    trains_at_first_start = True
    factor: float

    def load(self, version: fd.Version) -> None:
        self.factor = float((version.folder / "factor.txt").read_text())

    def predict(self, x: float = 1.0) -> float:
        return self.factor * x

    def train(self, run: fd.Run, factor: float = 3.0) -> fd.Metrics:
        Path(run.folder, "factor.txt").write_text(str(factor))
        return {"accuracy": 0.5}


class Untrained(fd.Model):
    """Waits for somebody to train it."""

    task = "untrained"

    def predict(self, x: float = 1.0) -> float:
        return x

    def train(self, run: fd.Run, factor: float = 3.0) -> fd.Metrics:
        return {"accuracy": 0.5}
