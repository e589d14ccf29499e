"""A signature as a spreadsheet: which column feeds which input, what a cell holds, and what an example looks like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from frontdesk.declare.checking import check_value
from frontdesk.declare.faults import Faults, listing, measure
from frontdesk.declare.forms import parsed_form
from frontdesk.declare.kinds import (
    BINARY_KINDS,
    Boolean,
    Choice,
    Drawing,
    Field,
    Integer,
    Number,
    Series,
    Table,
    Text,
)
from frontdesk.declare.signature import Signature
from frontdesk.errors import InvalidInput

_UNIT = re.compile(r"\s*[\(\[][^)\]]*[\)\]]\s*$")
_GAPS = re.compile(r"[\s_\-./]+")


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """How a header fits: the place of each input's column, and what does not fit."""

    places: Mapping[str, int]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    duplicated: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Extra columns do no harm: they are carried along."""
        return not self.missing and not self.duplicated


def takes_rows(signature: Signature) -> bool:
    """Whether every input can stand in a cell, which pictures, files and drawings cannot."""
    return not any(isinstance(field.kind, (*BINARY_KINDS, Drawing)) for field in signature.inputs)


def match(fields: Sequence[Field], header: Sequence[str]) -> Match:
    """Find each input's column by its name or title.

    Capitals, blanks, underscores and a unit in brackets behind the name make no difference: `Sepal length (cm)`
    feeds `sepal_length`.
    """
    wanted = {
        _plain(name): field.name for field in fields for name in (field.kind.title or field.name, field.name)
    }
    exact = {field.name for field in fields}
    places: dict[str, int] = {}
    extra: list[str] = []
    for place, column in enumerate(header):
        name = column if column in exact else wanted.get(_plain(column))
        if name is None or (name in places and column not in exact):
            extra.append(column)
        elif name not in places or header[places[name]] != name:
            if name in places:  # the exact name beats one that merely reads alike
                extra.append(header[places[name]])
            places[name] = place
    repeated = [column for column, count in Counter(header).items() if count > 1]
    return Match(
        places=places,
        missing=tuple(field.name for field in fields if field.name not in places and not field.nullable),
        extra=tuple(column for column in dict.fromkeys(extra) if column not in repeated),
        duplicated=tuple(repeated),
    )


def _plain(name: str) -> str:
    return _GAPS.sub("_", _UNIT.sub("", name).strip().casefold())


def read_cell(field: Field, text: str) -> Any:
    """The value in wire form. Raises InvalidInput with the reason.

    Defaults are where a form begins; in a file an empty cell is a measurement nobody made: no default stands for it.
    """
    parsed = parsed_form((field,), {field.name: text if isinstance(field.kind, Text) else text.strip()})
    if field.name not in parsed:
        raise InvalidInput(field.name, "This is empty.")
    faults = Faults()
    value = check_value(field, parsed[field.name], f"/inputs/{field.name}", faults)
    faults.raise_any()
    return value


def example(field: Field) -> str:
    """What an example cell holds."""
    if field.default is not None:
        return _written(field.default)
    match field.kind:
        case Number() | Integer() as kind:
            low = kind.ge if kind.ge is not None else 0
            return _written((low + kind.le) / 2 if kind.le is not None and isinstance(kind, Number) else low)
        case Boolean():
            return "false"
        case Choice() as kind:
            return kind.options[0]
        case Series():
            return "[1, 2, 3]"
        case Table():
            return "[]"
    return "text"


def allowed(field: Field) -> str:
    """What may stand in the cells of a column, in words."""
    words: list[str] = []
    match field.kind:
        case Number() | Integer() as kind:
            words.append("a whole number" if isinstance(kind, Integer) else "a number")
            words += [f"at least {measure(kind.ge, kind.unit)}"] if kind.ge is not None else []
            words += [f"at most {measure(kind.le, kind.unit)}"] if kind.le is not None else []
        case Boolean():
            words.append("true or false")
        case Choice() as kind:
            words.append(f"one of {listing(kind.options)}")
        case Series():
            words.append("a list of numbers")
        case Table():
            words.append("rows as JSON")
        case _:
            words.append("text")
    if field.nullable:
        words.append("may be empty")
    return ", ".join(words)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        return msgspec.json.encode(value).decode()
    return str(value)
