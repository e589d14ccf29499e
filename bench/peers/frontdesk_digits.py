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

PAIRED_EPOCHS, CALLS = 3, 20_000


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
        return measured | (_cost(begun(0), run) if compares else {})

    def load(self, version: fd.Version) -> None: ...

    def predict(self) -> int:
        """Nothing: only the training is measured."""
        return 0


class _Alternating:
    """A run of which every other report is left out; what lies between two is timed on the training's thread."""

    cancelled = False

    def __init__(self, run: fd.Run) -> None:
        self._run, self._calls, self._began = run, 0, time.thread_time()
        self.times: dict[bool, list[float]] = {True: [], False: []}

    def report(self, **figures: float) -> None:
        # Of each pair, the first reports in every other one: neither comes first more often.
        reports = self._calls % 4 in (0, 3)
        if reports:
            self._run.report(**figures)
        now = time.thread_time()
        self.times[reports].append(now - self._began)
        self._calls, self._began = self._calls + 1, now


def _cost(training: Any, run: fd.Run) -> dict[str, float]:
    """What reports cost: by pairs of stretches with and without, and by what one call takes."""
    alternating = _Alternating(run)
    began = time.thread_time()
    for _ in range(PAIRED_EPOCHS):
        training.run_epoch(alternating)
    spent_s = time.thread_time() - began
    pairs = list(zip(alternating.times[True], alternating.times[False], strict=False))
    ratios = sorted(100 * (with_ / without - 1) for with_, without in pairs)
    low, median, high = statistics.quantiles(ratios, n=4)
    began = time.thread_time()
    for number in range(CALLS):
        run.report(epoch=PAIRED_EPOCHS + number / CALLS, loss=0.5, accuracy=0.25)
    call_us = (time.thread_time() - began) / CALLS * 1e6
    return {
        "paired_percent": median,
        # Where the median of others would be 95 times of 100 (McGill, Tukey and Larsen, 1978).
        "paired_margin": 1.57 * (high - low) / len(pairs) ** 0.5,
        "pairs": float(len(pairs)),
        "call_us": call_us,
        "calls_percent": 100 * call_us * 1e-6 * 2 * len(pairs) / spent_s,
    }
