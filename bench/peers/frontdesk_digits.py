"""The training of the digits example with a stopwatch; the test pictures are looked at off the clock."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

import frontdesk as fd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "examples" / "digits"))
from data import digits

PAIRS, FEW = 40, 5000


class Digits(fd.Model):
    """LeNet-5 on MNIST, timed."""

    task = "timed_digits"

    def train(
        self,
        run: fd.Run,
        target: float = 0.985,
        epochs: int = 12,
        batch_size: int = 32,
        compares: bool = False,
    ) -> fd.Metrics:
        """Learn until the test accuracy is reached; then, if asked, the same with and without reports."""
        from training import Training, tensors

        known = digits(run.models_folder)
        assert known.source.startswith("MNIST"), known.source

        def begun(pictures: int) -> Training:
            return Training(
                known.first(pictures), activation="relu", optimizer="adam", batch_size=batch_size,
                learning_rate=0.0, patience=epochs, seed=run.seed,
            )  # fmt: skip

        test = tensors(known.test_pictures, known.test_digits)
        training, times, accuracy = begun(0), list[float](), 0.0
        while accuracy < target and training.epoch < epochs:
            began = time.perf_counter()
            training.run_epoch(run)
            training.save(run.checkpoints / "training.pt")
            times.append(time.perf_counter() - began)
            accuracy = training.measure(*test)[1]
            run.progress(training.epoch, epochs)
        measured = {
            "epoch_s": statistics.median(times),
            "to_target_s": sum(times),
            "epochs": float(len(times)),
            "accuracy": accuracy,
        }
        if compares:
            measured["reporting_percent"] = 100 * (_ratio(begun(FEW), run) - 1)
        return measured

    def load(self, version: fd.Version) -> None: ...

    def predict(self) -> int:
        """Nothing: only the training is measured."""
        return 0


class _Silent:
    """A run that nobody listens to."""

    cancelled = False

    def report(self, **figures: Any) -> None: ...


def _ratio(training: Any, run: fd.Run) -> float:
    """How many times as long an epoch takes with reports; each pair in turn begins with the other."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for pair in range(PAIRS):
        for reports in (pair % 2 == 0, pair % 2 == 1):
            began = time.perf_counter()
            training.run_epoch(run if reports else _Silent())
            times[reports].append(time.perf_counter() - began)
    return statistics.median(
        with_ / without for with_, without in zip(times[True], times[False], strict=True)
    )
