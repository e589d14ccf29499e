"""The kinds of output a task can give: plain data, as the kinds of input are."""

from __future__ import annotations

import msgspec


class OutputKind(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind"):
    """Base of all kinds."""


class ClassificationOut(OutputKind, frozen=True, omit_defaults=True, tag="classification"):
    """A label and the score of every label. `top` is how many of them a page shows."""

    top: int = 5


class ValueOut(OutputKind, frozen=True, omit_defaults=True, tag="value"):
    """A number, in `unit` unless the value says another."""

    unit: str = ""


class TextOut(OutputKind, frozen=True, omit_defaults=True, tag="text"):
    """Text."""


class ImageOut(OutputKind, frozen=True, omit_defaults=True, tag="image"):
    """A picture."""


class TableOut(OutputKind, frozen=True, omit_defaults=True, tag="table"):
    """Rows with named columns."""


class JsonOut(OutputKind, frozen=True, omit_defaults=True, tag="json"):
    """Anything JSON can say."""


AnyOutput = ClassificationOut | ValueOut | TextOut | ImageOut | TableOut | JsonOut

SINGLE = "answer"
"""What an output without a name is called."""


class Output(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One named output."""

    name: str = SINGLE
    kind: AnyOutput
    title: str = ""


def is_single(outputs: tuple[Output, ...]) -> bool:
    """Whether `predict` returns the one value itself, and not a group of named ones."""
    return len(outputs) == 1 and outputs[0].name == SINGLE
