"""From the output tensors of an ONNX file to answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypedDict

import numpy as np

from frontdesk.catalog.artifact_notes import Notes, identifier
from frontdesk.catalog.onnx import Array, Tensor
from frontdesk.declare.outputs import Classification, Json, Value, ValueOut

_SCORES = re.compile(r"prob|softmax|logit|score|class", re.IGNORECASE)
_MAPS = re.compile(r"seq\(map\((string|int64),tensor\(float\)\)\)")
_SUM_TOLERANCE = 0.02  # of probabilities in 16-bit or quantised numbers
_ENOUGH = 24


class OutputPlan(Protocol):
    """What one output tensor is shown as."""

    tensor: Tensor

    @property
    def annotation(self) -> Any:
        """Its part of `predict`'s return annotation."""

    def answer(self, row: Any) -> Any:
        """What a model's author would return for one row of the tensor."""


def plan_outputs(outputs: tuple[Tensor, ...], inputs: tuple[Tensor, ...], notes: Notes) -> list[OutputPlan]:
    """One plan for each output that is shown, in the file's order."""
    labels = notes.labels()
    maps = [tensor for tensor in outputs if _MAPS.fullmatch(tensor.declared.replace(" ", ""))]
    scores = maps or _scores(outputs, inputs, labels, notes)
    if labels and not scores:
        raise notes.fault("labels", "names classes, but no output gives a score for each of them")
    shown = [
        tensor for tensor in outputs if tensor in scores or not (scores and _is_label(tensor, maps, labels))
    ]
    return [_plan(tensor, scores, maps, labels, notes) for tensor in shown]


def answer_type(plans: Sequence[OutputPlan]) -> tuple[Any, list[str]]:
    """The return annotation of `predict`, and the names of a group's members (none for a single answer)."""
    if len(plans) == 1:
        return plans[0].annotation, []
    taken: set[str] = set()
    names = [identifier(plan.tensor.name, taken) for plan in plans]
    members = {name: plan.annotation for name, plan in zip(names, plans, strict=True)}
    return TypedDict("Answers", members), names  # type: ignore[operator]


def _plan(
    tensor: Tensor,
    scores: Sequence[Tensor],
    maps: Sequence[Tensor],
    labels: tuple[str, ...] | None,
    notes: Notes,
) -> OutputPlan:
    if tensor in maps:
        return MapOutput(tensor, labels)
    if tensor in scores:
        return ScoresOutput(tensor, labels, notes.choice("activation", ("softmax", "none")))
    if _width(tensor) == 1 and tensor.type is not None:
        if tensor.type == np.object_:
            return TextOutput(tensor)
        return ValueOutput(tensor, notes.text("unit"))
    return JsonOutput(tensor)


def _scores(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], labels: tuple[str, ...] | None, notes: Notes
) -> list[Tensor]:
    """The output that gives a score for each class; empty when there is none, or it cannot be told."""
    if notes.choice("output", ("classification", "values")) == "values":
        return []
    likely = [
        tensor for tensor in outputs if _is_float(tensor) and (_width(tensor) or 2) > 1 and _is_flat(tensor)
    ]
    named = [tensor for tensor in likely if _SCORES.search(tensor.name)]
    # What has the shape of an input is that input changed, such as a signal without its noise.
    found = named or [t for t in likely if labels or t.shape not in [i.shape for i in inputs]]
    if len(found) != 1 or (_width(found[0]) is None and not labels):
        return []
    if labels and _width(found[0]) not in (None, len(labels)):
        raise notes.fault("labels", f"names {len(labels)} classes where the network has {_width(found[0])}")
    return found


def _is_label(tensor: Tensor, maps: Sequence[Tensor], labels: tuple[str, ...] | None) -> bool:
    """Whether it only repeats which class has the best score, as converters of classifiers write it."""
    if not (maps or labels) or tensor.type is None or _width(tensor) != 1:
        return False
    return tensor.type == np.object_ or bool(np.issubdtype(tensor.type, np.integer))


def _is_float(tensor: Tensor) -> bool:
    return tensor.type is not None and bool(np.issubdtype(tensor.type, np.floating))


def _is_flat(tensor: Tensor) -> bool:
    """Whether it is one number a class: [rows, classes], perhaps with dimensions of 1 behind."""
    has_rows = tensor.rank >= 2 and tensor.shape[0] in (None, 1)
    return has_rows and all(size == 1 for size in tensor.shape[2:])


def _width(tensor: Tensor) -> int | None:
    """Numbers in one row, None when the file leaves it open."""
    width = 1
    for size in tensor.shape[1:] if tensor.shape and tensor.shape[0] in (None, 1) else tensor.shape:
        if size is None:
            return None
        width *= size
    return width


@dataclass
class ScoresOutput:
    """A score for each class. What the network does not make probabilities itself goes through softmax."""

    tensor: Tensor
    labels: tuple[str, ...] | None
    activation: str
    annotation: Any = Classification
    _names: list[str] = field(default_factory=list)

    def learn(self, samples: Sequence[Array]) -> None:
        """Decide from answers to made-up inputs whether these are probabilities: once, never by each answer."""
        if self.activation:
            return
        if samples:
            are_probabilities = _sum_to_one(samples) or _each_for_itself(samples)
        else:
            are_probabilities = bool(re.search(r"prob|softmax", self.tensor.name, re.IGNORECASE))
        self.activation = "none" if are_probabilities else "softmax"

    def answer(self, row: Any) -> Classification:
        scores = np.ravel(row).astype(np.float64)
        if self.activation != "none":
            exponents = np.exp(scores - scores.max())
            scores = exponents / exponents.sum()
        if len(self._names) != len(scores):
            self._names = list(self.labels or (f"class {number}" for number in range(len(scores))))
        return Classification(labels=self._names, scores=scores)


@dataclass
class MapOutput:
    """A map from label to probability for each row, as scikit-learn's converter writes it."""

    tensor: Tensor
    labels: tuple[str, ...] | None
    annotation: Any = Classification

    def answer(self, row: Mapping[Any, float]) -> Classification:
        return Classification({self._label(key): float(score) for key, score in row.items()})

    def _label(self, key: Any) -> str:
        known = self.labels is not None and isinstance(key, int) and 0 <= key < len(self.labels)
        return self.labels[key] if known and self.labels else str(key)


@dataclass
class ValueOutput:
    """One number."""

    tensor: Tensor
    unit: str = ""

    @property
    def annotation(self) -> Any:
        return Annotated[Value, ValueOut(unit=self.unit)] if self.unit else Value

    def answer(self, row: Any) -> Value:
        return Value(np.ravel(row)[0].item(), unit=self.unit)


@dataclass
class TextOutput:
    """One text."""

    tensor: Tensor
    annotation: Any = str

    def answer(self, row: Any) -> str:
        return str(np.ravel(row)[0])


@dataclass
class JsonOutput:
    """Anything else, as it is."""

    tensor: Tensor
    annotation: Any = Json

    def answer(self, row: Any) -> Any:
        return _plain(row)


def _sum_to_one(samples: Sequence[Array]) -> bool:
    return all(
        scores.min() >= -_SUM_TOLERANCE and abs(scores.sum() - 1) <= _SUM_TOLERANCE for scores in samples
    )


def _each_for_itself(samples: Sequence[Array]) -> bool:
    """Whether each class has a probability of its own, as after a sigmoid. A few numbers could be so by chance."""
    scores = np.concatenate(samples)
    return scores.size >= _ENOUGH and bool(((scores >= 0) & (scores <= 1)).all())


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
