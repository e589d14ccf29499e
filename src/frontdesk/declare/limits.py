"""What can be wrong with a kind as an author wrote it, and the mend."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from frontdesk.declare.kinds import (
    INTEGER_LEAST,
    INTEGER_MOST,
    Choice,
    Drawing,
    File,
    Image,
    Integer,
    Kind,
    Number,
    Series,
    Table,
    Text,
)
from frontdesk.declare.wire import whole_pattern

Problem = tuple[str, str]

_PICTURE_MODES = ("1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "F", "I")


def problem_of_kind(kind: Kind) -> Problem | None:
    """A problem and its mend; None where all is well."""
    look = _LOOKS.get(type(kind))
    return None if look is None else look(kind)


def _number(kind: Number) -> Problem | None:
    limits = [limit for limit in (kind.ge, kind.le, kind.gt, kind.lt, kind.step) if limit is not None]
    if not all(map(math.isfinite, limits)):
        return "has a limit that is no finite number.", "Leave it out instead."
    if None not in (kind.ge, kind.gt) or None not in (kind.le, kind.lt):
        return "has two limits on the same side.", "Keep ge or gt, and le or lt."
    low = kind.ge if kind.gt is None else kind.gt
    high = kind.le if kind.lt is None else kind.lt
    is_open = kind.gt is not None or kind.lt is not None
    return _range(low, high, is_open=is_open) or _slider(low, kind.step, log=kind.log)


def _integer(kind: Integer) -> Problem | None:
    for limit in (kind.ge, kind.le):
        if limit is not None and not INTEGER_LEAST <= limit <= INTEGER_MOST:
            return "has a limit that does not fit in 64 bits.", "Leave it out instead."
    return _range(kind.ge, kind.le) or _slider(kind.ge, kind.step, log=kind.log)


def _range(low: float | None, high: float | None, *, is_open: bool = False) -> Problem | None:
    if low is not None and high is not None and (low > high or (is_open and low == high)):
        return f"has limits that allow nothing ({low} and {high}).", "Swap or widen them."
    return None


def _slider(low: float | None, step: float | None, *, log: bool) -> Problem | None:
    if step is not None and step <= 0:
        return "has a step that is not above 0.", "Leave it out, or make it positive."
    if log and (low is None or low <= 0):
        return "has a logarithmic slider that reaches 0 or below.", "Give it a lower limit above 0."
    return None


def _choice(kind: Choice) -> Problem | None:
    if not kind.options:
        return "has no options.", 'Write fd.Choice(options=("a", "b")) or Literal["a", "b"].'
    if "" in kind.options:
        return "has an empty option.", "Give it a name."
    if len(set(kind.options)) < len(kind.options):
        return "has the same option twice.", "Take one of them away."
    return None


def _text(kind: Text) -> Problem | None:
    if kind.lines < 1:
        return "has less than one line.", "Write lines=1 or more."
    if kind.pattern is not None:
        try:
            re.compile(whole_pattern(kind.pattern))
        except re.error as error:
            return f"has a pattern that is no regular expression ({error}).", "Mend the pattern."
    return _lengths(kind.min_length, kind.max_length)


def _lengths(least: int, most: int) -> Problem | None:
    if not 0 <= least <= most:
        return f"has lengths that allow nothing ({least} to {most}).", "Swap or widen them."
    return None


def _image(kind: Image) -> Problem | None:
    if kind.mode not in _PICTURE_MODES:
        return (
            f"has the mode {kind.mode!r}, which pictures cannot have.",
            f"Use one of {', '.join(_PICTURE_MODES)}.",
        )
    return _at_least_one(max_bytes=kind.max_bytes, max_pixels=kind.max_pixels)


def _drawing(kind: Drawing) -> Problem | None:
    return _at_least_one(width=kind.width, height=kind.height)


def _file(kind: File) -> Problem | None:
    wrong = [ending for ending in kind.accept if not ending.startswith(".")]
    if wrong:
        return f"accepts {wrong[0]!r}, which is no ending.", f"Write {'.' + wrong[0].lstrip('*.')!r}."
    return _at_least_one(max_bytes=kind.max_bytes)


def _table(kind: Table) -> Problem | None:
    for name, column in kind.columns.items():
        if not name:
            return "has a column without a name.", "Give it one."
        if problem := problem_of_kind(column):
            return f"has a column `{name}` that {problem[0]}", problem[1]
    return _at_least_one(max_rows=kind.max_rows)


def _series(kind: Series) -> Problem | None:
    limits = [limit for limit in (kind.ge, kind.le) if limit is not None]
    if not all(map(math.isfinite, limits)):
        return "has a limit that is no finite number.", "Leave it out instead."
    return _lengths(kind.min_length, kind.max_length) or _range(kind.ge, kind.le)


def _at_least_one(**numbers: int) -> Problem | None:
    for name, number in numbers.items():
        if number < 1:
            return f"has {name}={number}.", "Write 1 or more."
    return None


_LOOKS: dict[type[Kind], Callable[[Any], Problem | None]] = {
    Number: _number,
    Integer: _integer,
    Choice: _choice,
    Text: _text,
    Image: _image,
    Drawing: _drawing,
    File: _file,
    Table: _table,
    Series: _series,
}
