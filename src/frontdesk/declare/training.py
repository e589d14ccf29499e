"""What an author's `train` is given, and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypedDict


class Confusion(TypedDict):
    """How often each true label (a row) was taken for each label (a column), on held-out data."""

    labels: list[str]
    counts: list[list[int]]


Metrics = Mapping[str, float | Confusion]
"""What training measured, by name. Figures on held-out data belong here."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """The data somebody chose to learn from: a copy of what was uploaded, and the SHA-256 of its content."""

    name: str
    path: Path
    fingerprint: str


class Listener(Protocol):
    """Who hears what a training says. Hearing costs the training next to nothing."""

    def report(self, figures: Mapping[str, float]) -> None: ...
    def progress(self, done: int, total: int, message: str) -> None: ...
    def log(self, text: str) -> None: ...
    def learned_from(self, inputs: Mapping[str, Any], answers: Any) -> None: ...
    @property
    def cancelled(self) -> bool: ...


class Printing:
    """Prints what it hears, as does for a training that nobody follows: in a test, or from a shell."""

    cancelled = False

    def report(self, figures: Mapping[str, float]) -> None:
        self.log(", ".join(f"{name} {value:.6g}" for name, value in figures.items()))

    def progress(self, done: int, total: int, message: str) -> None:
        self.log(" ".join(filter(None, [f"{done} of {total}" if total else f"{done} done", message])))

    def log(self, text: str) -> None:
        print(text, flush=True)  # noqa: T201  (the log of a training is what it prints)

    def learned_from(self, inputs: Mapping[str, Any], answers: Any) -> None:
        """Nobody compares anything with it later."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training run.

    All that is left in `folder` becomes the version, and nothing else does. What is left in `checkpoints` is there
    again when the training has to begin anew because its worker was lost. Draw random numbers from `seed`.
    `data` is what somebody chose to learn from; None stands for the author's own. Downloads are in `models_folder`.
    """

    folder: Path
    checkpoints: Path
    models_folder: Path = Path()
    seed: int = 0
    data: DataSet | None = None
    listener: Listener = field(default_factory=Printing)

    @property
    def dir(self) -> Path:
        """The same as `folder`."""
        return self.folder

    def report(self, **figures: float) -> None:
        """A point of the curves: `run.report(epoch=3, loss=0.12, val_loss=0.15)`. Call it as often as you like.

        `epoch` and `step` say where the point is; every other name is a curve. `val_loss` is drawn beside `loss`.
        """
        self.listener.report(figures)

    def progress(self, done: int, total: int = 0, message: str = "") -> None:
        """`done` of `total` steps are over; 0 means that nobody knows how many there are."""
        self.listener.progress(done, total, message)

    def log(self, text: str) -> None:
        """A line for whoever reads the log of this run. What is printed is there, too."""
        self.listener.log(text)

    def learned_from(self, inputs: Mapping[str, Any], answers: Any = None) -> None:
        """The examples, as they will be asked: a column for each input, and one of the true answers.

        `run.learned_from({"length": lengths, "width": widths}, species)`. The Monitor tab compares later questions with
        how these are distributed; nothing else is kept of them.
        """
        self.listener.learned_from(inputs, answers)

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the result any more; a long training looks now and then, and returns."""
        return self.listener.cancelled


def plain_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What `train` returned, as JSON has it; a number that is not finite is none. Raises TypeError."""
    if not isinstance(metrics, Mapping):
        raise TypeError(f"`train` returned {type(metrics).__name__}; it must return a mapping of metrics.")
    return {str(name): _plain(name, value) for name, value in metrics.items()}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            "labels": [str(label) for label in value["labels"]],
            "counts": [[int(count) for count in row] for row in value["counts"]],
        }
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"The metric {name!r} is {value!r}, which is no number.") from None
    return number if math.isfinite(number) else None
