"""From what a back end answers, as JSON, to what `predict` would have returned."""

from __future__ import annotations

import base64
import io
from typing import Any

from frontdesk.declare.outputs import (
    Classification,
    ClassificationOut,
    ImageOut,
    Interval,
    Output,
    TableOut,
    TableValue,
    Value,
    ValueOut,
    is_single,
)
from frontdesk.errors import PredictFailed


def returned(outputs: tuple[Output, ...], answer: Any) -> Any:
    """One answer: a single output by itself, several as an object by name. Raises PredictFailed for nonsense."""
    try:
        if is_single(outputs):
            return _value(outputs[0], answer)
        return {output.name: _value(output, answer[output.name]) for output in outputs}
    except (TypeError, KeyError, ValueError, AttributeError, OSError) as error:
        raise PredictFailed(
            f"This back end answered what cannot be understood: {type(error).__name__}: {error}."
        ) from None


def _value(output: Output, answer: Any) -> Any:
    match output.kind:
        case ClassificationOut():
            return Classification({str(label): float(score) for label, score in answer.items()})
        case ValueOut() if isinstance(answer, dict):
            interval = answer.get("interval")
            return Value(
                answer["value"], answer.get("unit", ""), Interval(**interval) if interval else None,
                answer.get("samples"),
            )  # fmt: skip
        case TableOut():
            return TableValue(answer["columns"], answer["rows"])
        case ImageOut():
            from PIL import Image  # heavy, and only needed where there are pictures

            return Image.open(io.BytesIO(base64.b64decode(answer, validate=True)))
    return answer
