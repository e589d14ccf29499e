"""What a model answered for many rows, as the columns that are added to a spreadsheet.

    classification   prediction, score_LABEL for each label, score_LABEL_low and _high where the model draws
    value            prediction, prediction_low and prediction_high where it gives an interval
    text             prediction
    anything else    prediction, as JSON

An output with a name has that name in place of `prediction`, and before `score`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from frontdesk.declare.outputs import SINGLE, Output, ValueOut, encode_outputs, is_single, split_rows

PREDICTION = "prediction"
_SCORED_LABELS = 50  # of a classification with more, only the best has a column of its own


def output_columns(outputs: tuple[Output, ...], returned: Any, count: int) -> dict[str, list[Any]]:
    """The columns of what `predict_batch` returned. Raises PredictFailed where it is not as declared."""
    values = split_rows(outputs, returned, count)
    if is_single(outputs) and type(outputs[0].kind) is ValueOut and _are_plain_numbers(values):
        return {PREDICTION: values}
    rows = [msgspec.json.decode(encode_outputs(outputs, value)) for value in values]
    return joined([_row(row) for row in rows])


def joined(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns; what a row lacks is None."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _are_plain_numbers(values: list[Any]) -> bool:
    return all(type(value) is float for value in values) and all(map(math.isfinite, values))


def _row(answer: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in answer.items():
        prefix = "" if name == SINGLE else f"{name}_"
        cells |= _cells(PREDICTION if name == SINGLE else name, prefix, value)
    return cells


def _cells(name: str, prefix: str, value: Any) -> dict[str, Any]:
    match value:
        case {"label": label, "scores": scores}:
            cells = {name: label}
            for score in (
                sorted(scores, key=lambda score: str(score["label"])) if len(scores) <= _SCORED_LABELS else []
            ):
                column = f"{prefix}score_{score['label']}"
                cells[column] = score["score"]
                if "interval" in score:
                    cells |= {f"{column}_{end}": score["interval"][end] for end in ("low", "high")}
            if len(scores) > _SCORED_LABELS:
                cells[f"{prefix}score"] = scores[0]["score"]
            return cells
        case {"value": number}:
            ends = value.get("interval") or {}
            return {name: number} | {f"{name}_{end}": ends[end] for end in ("low", "high") if end in ends}
        case str() | int() | float() | None:
            return {name: value}
    return {name: msgspec.json.encode(value).decode()}
