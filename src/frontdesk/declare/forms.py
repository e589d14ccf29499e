"""From the text of forms and command lines to what JSON would have said. What makes no sense stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from frontdesk.declare.kinds import Boolean, Choice, Drawing, Field, File, Image, Integer, Number, Text

_SAYS = {
    "on": True,
    "true": True,
    "yes": True,
    "1": True,
    "off": False,
    "false": False,
    "no": False,
    "0": False,
}
_is_number = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch
_NUMBER_LIMIT = 400
_BETWEEN_NUMBERS = re.compile(r"[\s,;]+")


def parsed_form(fields: tuple[Field, ...], parts: Mapping[str, str | bytes]) -> dict[str, Any]:
    """What was filled in, by name. What was left empty stays out, so that its default counts."""
    known = {field.name: field for field in fields}
    parsed: dict[str, Any] = {}
    for name, part in parts.items():
        field = known.get(name)
        if field is None:
            parsed[name] = part
        elif len(part) or _may_be_empty(field):
            parsed[name] = _parsed(field, part)
        elif field.nullable:
            parsed[name] = None
    return parsed


def _may_be_empty(field: Field) -> bool:
    """Whether an empty box is an answer: for text it is, unless there has to be some."""
    return isinstance(field.kind, Text) and not field.nullable and field.kind.min_length == 0


def _parsed(field: Field, part: str | bytes) -> Any:
    if isinstance(part, bytes):
        if isinstance(field.kind, Image | File | Drawing):
            return part
        try:
            part = part.decode()
        except UnicodeDecodeError:
            return part
    match field.kind:
        case Number() | Integer():
            return _number(part.strip())
        case Boolean():
            return _SAYS.get(part.strip().lower(), part)
        case Choice():
            return part
        case Text():
            return part.replace("\r\n", "\n")  # which is how browsers send every line break
    return _structured(part.strip())


def _number(text: str) -> int | float | str:
    if not _is_number(text) or len(text) > _NUMBER_LIMIT:
        return text
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _structured(text: str) -> Any:
    """A list, a table or a reference to a file as JSON; a list also as numbers with blanks or commas between them."""
    if text.startswith(("[", "{")):
        try:
            return json.loads(text, parse_constant=str, parse_int=_number)
        except (ValueError, RecursionError):
            return text
    numbers = [_number(word) for word in _BETWEEN_NUMBERS.split(text) if word]
    return text if any(isinstance(number, str) for number in numbers) else numbers
