"""What authors return, and how it becomes JSON."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from frontdesk.declare.output_kinds import (
    SINGLE,
    AnyOutput,
    ClassificationOut,
    ImageOut,
    JsonOut,
    Output,
    OutputKind,
    TableOut,
    TextOut,
    ValueOut,
    is_single,
)
from frontdesk.declare.ranking import ranked
from frontdesk.errors import PredictFailed

__all__ = [
    "SINGLE", "AnyOutput", "Classification", "ClassificationOut", "ImageOut", "Interval", "Json", "JsonOut",
    "Output", "OutputKind", "TableOut", "TableValue", "TextOut", "Value", "ValueOut", "encode_outputs",
    "is_single", "split_rows",
]  # fmt: skip


class Classification:
    """`Classification({"setosa": 0.97, "versicolor": 0.03})`, or `Classification(labels=[...], scores=array)`.

    A model that answers with many draws hands them in as `samples`, an array of shape (draws, labels);
    its scores are their means unless given, and each label comes with the spread of its draws.
    """

    __slots__ = ("labels", "samples", "scores")

    def __init__(
        self,
        by_label: Mapping[str, float] | None = None,
        /,
        *,
        labels: Sequence[str] | None = None,
        scores: Sequence[float] | Any = None,
        samples: Sequence[Sequence[float]] | Any = None,
    ) -> None:
        self.samples = None if samples is None else _listed(samples)
        if by_label is not None:
            self.labels, self.scores = list(by_label), list(by_label.values())
        else:
            self.labels, self.scores = _listed(labels), _listed(scores)
        if self.samples and scores is None and by_label is None:
            self.scores = [sum(column) / len(self.samples) for column in zip(*self.samples, strict=False)]

    def __repr__(self) -> str:
        return f"Classification({dict(zip(self.labels, self.scores, strict=False))})"


@dataclass(frozen=True, slots=True)
class Interval:
    """The value is between `low` and `high` with the probability `level`."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Value:
    """A number with what is known about it: `Value(3.2, unit="cm", interval=Interval(2.9, 3.5, 0.9))`."""

    value: float
    unit: str = ""
    interval: Interval | None = None
    samples: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class TableValue:
    """`rows` are sequences in the order of `columns`, or mappings by column."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any] | Mapping[str, Any]]


Json = Annotated[Any, JsonOut()]
"""A return annotation for anything JSON can say."""

# ------------------------------------------------------------------- from values to JSON


_encode = msgspec.json.Encoder().encode


def encode_outputs(outputs: tuple[Output, ...], returned: Any) -> bytes:
    """What `predict` returned, as a JSON object by output name. What is not as declared raises PredictFailed."""
    if is_single(outputs):
        return _encode({SINGLE: _ENCODERS[type(outputs[0].kind)](outputs[0], returned)})
    values = _group(outputs, returned)
    return _encode(
        {
            output.name: _ENCODERS[type(output.kind)](output, value)
            for output, value in zip(outputs, values, strict=True)
        }
    )


def split_rows(outputs: tuple[Output, ...], returned: Any, count: int) -> list[Any]:
    """What `predict_batch` returned, as one value for each of `count` calls.

    It may return a list of answers or, where the outputs are a group, a list for each of its names.
    """
    names = tuple(output.name for output in outputs)
    if not is_single(outputs) and not isinstance(returned, Sequence):
        columns = [_row_list(column, count) for column in _group(outputs, returned)]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return _row_list(returned, count)


def _row_list(returned: Any, count: int) -> list[Any]:
    if hasattr(returned, "tolist"):
        returned = returned.tolist()
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Sequence):
        raise PredictFailed(f"predict_batch returned {_named(returned)} where a list of answers belongs.")
    if len(returned) != count:
        raise PredictFailed(f"predict_batch was asked {count} times and returned {len(returned)} answers.")
    return list(returned)


def _group(outputs: tuple[Output, ...], returned: Any) -> list[Any]:
    if isinstance(returned, Mapping):
        missing = [output.name for output in outputs if output.name not in returned]
        surplus = [str(name) for name in returned if name not in {output.name for output in outputs}]
        if missing or surplus:
            raise PredictFailed(
                f"The model's answer lacks {', '.join(missing) or 'nothing'}"
                f" and has {', '.join(surplus) or 'nothing'} that is not declared."
            )
        return [returned[output.name] for output in outputs]
    try:
        return [getattr(returned, output.name) for output in outputs]
    except AttributeError:
        names = ", ".join(output.name for output in outputs)
        raise PredictFailed(f"The model returned {_named(returned)} where {names} belong.") from None


def _classification(output: Output, returned: Any) -> dict[str, Any]:
    if not isinstance(returned, Classification):
        raise _mistyped(output, returned, "an fd.Classification")
    labels, scores = returned.labels, returned.scores
    if not labels or len(labels) != len(scores):
        raise _failed(output, f"has {len(labels)} labels and {len(scores)} scores")
    numbers = [_number(output, score) for score in scores]
    draws = None if returned.samples is None else _draws(output, returned.samples, len(labels))
    best_first = ranked([str(label) for label in labels], numbers, draws)
    return {"label": best_first[0].label, "scores": best_first}


def _draws(output: Output, samples: list[Any], width: int) -> list[list[float]]:
    rows = [_listed(row) for row in samples]
    if not rows or any(len(row) != width for row in rows):
        raise _failed(output, f"has samples that are not rows of {width} scores")
    return [[_number(output, score) for score in row] for row in rows]


def _value(output: Output, returned: Any) -> dict[str, Any]:
    given = returned if isinstance(returned, Value) else Value(returned)
    document: dict[str, Any] = {"value": _number(output, given.value)}
    unit = given.unit or getattr(output.kind, "unit", "")
    if unit:
        document["unit"] = unit
    if given.interval is not None:
        low, high, level = (
            _number(output, end) for end in (given.interval.low, given.interval.high, given.interval.level)
        )
        if low > high or not 0 < level <= 1:
            raise _failed(output, f"has an interval from {low} to {high} of level {level}")
        document["interval"] = {"low": low, "high": high, "level": level}
    if given.samples is not None:
        document["samples"] = [_number(output, sample) for sample in _listed(given.samples)]
    return document


def _text(output: Output, returned: Any) -> str:
    if not isinstance(returned, str):
        raise _mistyped(output, returned, "text")
    return returned


def _image(output: Output, returned: Any) -> dict[str, Any]:
    from PIL import Image  # heavy, and only needed where there are pictures

    if not isinstance(returned, Image.Image):
        raise _mistyped(output, returned, "a PIL.Image.Image")
    picture = returned if returned.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else returned.convert("RGB")
    content = io.BytesIO()
    picture.save(content, "PNG")
    return {"media_type": "image/png", "base64": base64.b64encode(content.getvalue()).decode("ascii")}


def _table(output: Output, returned: Any) -> dict[str, Any]:
    if not isinstance(returned, TableValue):
        raise _mistyped(output, returned, "an fd.TableValue")
    columns = [str(column) for column in returned.columns]
    rows = [
        [row.get(column) for column in columns] if isinstance(row, Mapping) else _listed(row)
        for row in _listed(returned.rows)
    ]
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise _failed(output, f"has {len(columns)} columns and {len(row)} cells in row {number}")
    return {"columns": columns, "rows": _json(output, rows)}


def _json(output: Output, returned: Any) -> Any:
    try:
        plain = msgspec.to_builtins(returned, str_keys=True, enc_hook=_plain)
        waiting = [plain]
        while waiting:
            match waiting.pop():
                case float(number) if not math.isfinite(number):
                    raise _failed(output, f"holds {number}, which JSON cannot say")
                case dict(members):
                    waiting.extend(members.values())
                case list(members) | tuple(members):
                    waiting.extend(members)
    except (TypeError, RecursionError) as error:
        raise _failed(output, f"cannot be JSON: {error}") from None
    return plain


_ENCODERS: dict[type[OutputKind], Callable[[Output, Any], Any]] = {
    ClassificationOut: _classification,
    ValueOut: _value,
    TextOut: _text,
    ImageOut: _image,
    TableOut: _table,
    JsonOut: _json,
}


def _number(output: Output, given: Any) -> float:
    try:
        number = given.item() if hasattr(given, "item") else given
    except (ValueError, RuntimeError):  # an array of several numbers, a tensor of several
        raise _mistyped(output, given, "a number") from None
    if not isinstance(number, float | int) or isinstance(number, bool):
        raise _mistyped(output, given, "a number")
    if isinstance(number, float) and not math.isfinite(number):
        raise _failed(output, f"is {number}, which is no number to show")
    return number


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{_named(value)} is nothing JSON knows")


def _mistyped(output: Output, returned: Any, wanted: str) -> PredictFailed:
    return _failed(output, f"is {_named(returned)} where {wanted} is declared")


def _failed(output: Output, what: str) -> PredictFailed:
    subject = "The model's answer" if output.name == SINGLE else f"The model's {output.name}"
    return PredictFailed(f"{subject} {what}.")


def _named(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
