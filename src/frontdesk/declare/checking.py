"""From parsed JSON to wire form, finding everything that is wrong: the long way, taken where the short one fails."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from frontdesk.declare.faults import (
    REQUIRED,
    UNKNOWN,
    Faults,
    below,
    count,
    listing,
    measure,
    size,
)
from frontdesk.declare.kinds import (
    CELL_TEXT_LIMIT,
    DRAWING_LIMIT_BYTES,
    INTEGER_LEAST,
    INTEGER_MOST,
    AnyKind,
    Boolean,
    Choice,
    Drawing,
    Field,
    File,
    Image,
    Integer,
    Kind,
    Number,
    Series,
    Table,
    Text,
)
from frontdesk.declare.wire import FILE_ID_LIMIT, FileRef, base64_length, bytes_of, has_shape, whole_pattern


def check_inputs(
    fields: tuple[Field, ...], given: object, faults: Faults, pointer: str = "/inputs"
) -> dict[str, Any]:
    """The wire form of a parsed JSON object, complete with defaults. Worth something only where no fault was found."""
    if not isinstance(given, Mapping):
        faults.add(pointer, "Must be an object with a member for each field.")
        return {}
    wire: dict[str, Any] = {}
    for field in fields:
        place = below(pointer, field.name)
        if field.name in given:
            wire[field.name] = check_value(field, given[field.name], place, faults)
        elif field.required:
            faults.add(place, REQUIRED)
        else:
            wire[field.name] = field.default
    known = {field.name for field in fields}
    for name in given:
        if name not in known:
            faults.add(below(pointer, name), UNKNOWN)
    return wire


def check_value(field: Field, given: object, pointer: str, faults: Faults) -> Any:
    """The wire form of one field's parsed JSON."""
    if given is None and field.nullable:
        return None
    return _check(field.kind, given, pointer, faults)


def _check(kind: AnyKind, given: object, pointer: str, faults: Faults) -> Any:
    return _CHECKS[type(kind)](kind, given, pointer, faults)


def _number(kind: Number, given: object, pointer: str, faults: Faults) -> float | None:
    number = _finite(given, pointer, faults)
    if number is None:
        return None
    if kind.ge is not None and number < kind.ge:
        faults.add(pointer, f"Must be at least {measure(kind.ge, kind.unit)}.")
    elif kind.gt is not None and number <= kind.gt:
        faults.add(pointer, f"Must be more than {measure(kind.gt, kind.unit)}.")
    elif kind.le is not None and number > kind.le:
        faults.add(pointer, f"Must be at most {measure(kind.le, kind.unit)}.")
    elif kind.lt is not None and number >= kind.lt:
        faults.add(pointer, f"Must be less than {measure(kind.lt, kind.unit)}.")
    return number


def _finite(given: object, pointer: str, faults: Faults) -> float | None:
    if not isinstance(given, int | float) or isinstance(given, bool):
        faults.add(pointer, "Must be a number.")
        return None
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        faults.add(pointer, "Must be a number a computer can hold, up to about 1.8e308.")
        return None
    return number


def _integer(kind: Integer, given: object, pointer: str, faults: Faults) -> int | None:
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # 1.0 is a whole number in JSON Schema
    if not isinstance(given, int) or isinstance(given, bool):
        faults.add(pointer, "Must be a whole number.")
        return None
    least = INTEGER_LEAST if kind.ge is None else kind.ge
    most = INTEGER_MOST if kind.le is None else kind.le
    if given < least:
        faults.add(pointer, f"Must be at least {measure(least, kind.unit)}.")
    elif given > most:
        faults.add(pointer, f"Must be at most {measure(most, kind.unit)}.")
    return given


def _boolean(kind: Boolean, given: object, pointer: str, faults: Faults) -> bool | None:
    if not isinstance(given, bool):
        faults.add(pointer, "Must be true or false.")
        return None
    return given


def _choice(kind: Choice, given: object, pointer: str, faults: Faults) -> str | None:
    if not isinstance(given, str) or given not in kind.options:
        faults.add(pointer, f"Must be one of {listing(kind.options)}.")
        return None
    return given


def _text(kind: Text, given: object, pointer: str, faults: Faults) -> str | None:
    if not isinstance(given, str):
        faults.add(pointer, "Must be text.")
        return None
    if _is_broken(given):
        faults.add(pointer, "Must be text; half of a character is missing.")
    elif len(given) < kind.min_length:
        faults.add(pointer, f"Must have at least {count(kind.min_length, 'character')}.")
    elif len(given) > kind.max_length:
        faults.add(pointer, f"Must have at most {count(kind.max_length, 'character')}.")
    elif kind.pattern is not None and not re.search(whole_pattern(kind.pattern), given):
        faults.add(pointer, f"Must have the form {kind.pattern}.")
    return given


def _is_broken(text: str) -> bool:
    """Whether it holds a lone surrogate, which JSON can spell and Unicode does not have."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _file(kind: Image | File, given: object, pointer: str, faults: Faults) -> bytes | FileRef | None:
    if isinstance(given, dict):
        return _file_ref(given, pointer, faults)
    least = 1 if isinstance(kind, Image) else 0
    return _content(
        given, least, kind.max_bytes, "base64 text, a data: URL or an uploaded file", pointer, faults
    )


def _content(given: object, least: int, most: int, wanted: str, pointer: str, faults: Faults) -> bytes | None:
    """Bytes, as they are or as base64 text. A data: URL may be no longer than base64 text of `most` bytes alone."""
    content = given if isinstance(given, bytes) else None
    if isinstance(given, str):
        if len(given) > base64_length(most):
            faults.add(pointer, f"Must be at most {size(most)}.")
            return None
        content = bytes_of(given)
    if content is None:
        faults.add(pointer, f"Must be {wanted}.")
    elif len(content) > most:
        faults.add(pointer, f"Must be at most {size(most)}.")
    elif len(content) < least:
        faults.add(pointer, "Must not be empty.")
    return content


def _file_ref(given: Mapping[Any, object], pointer: str, faults: Faults) -> FileRef | None:
    for name in given:
        if name != "file":
            faults.add(below(pointer, name), UNKNOWN)
    file_id = given.get("file")
    if "file" not in given:
        faults.add(below(pointer, "file"), REQUIRED)
    elif not isinstance(file_id, str) or not 1 <= len(file_id) <= FILE_ID_LIMIT or _is_broken(file_id):
        faults.add(below(pointer, "file"), "Must be the id of an uploaded file.")
    else:
        return FileRef(file_id)
    return None


def _drawing(kind: Drawing, given: object, pointer: str, faults: Faults) -> bytes | list[Any] | None:
    if not isinstance(given, list):
        wanted = f"a PNG in base64 or {_rows(kind)}"
        return _content(given, 1, DRAWING_LIMIT_BYTES, wanted, pointer, faults)
    if not has_shape(given, kind):
        faults.add(pointer, f"Must be {_rows(kind)}, or all of them in one list.")
        return None
    return _inks(given, kind, pointer, faults)


def _rows(kind: Drawing) -> str:
    return f"{count(kind.height, 'row')} of {count(kind.width, 'number')}"


def _inks(given: list[Any], kind: Drawing, pointer: str, faults: Faults) -> list[Any]:
    ink = Number(ge=0, le=255)
    checked: list[Any] = []
    for place, member in enumerate(given):
        if faults.is_full:
            break
        at = below(pointer, place)
        if not isinstance(member, list):
            checked.append(_number(ink, member, at, faults))
        elif len(member) != kind.width:
            faults.add(at, f"Must have {count(kind.width, 'number')}.")
        else:
            checked.append(
                [_number(ink, value, below(at, column), faults) for column, value in enumerate(member)]
            )
    return checked


def _table(kind: Table, given: object, pointer: str, faults: Faults) -> list[dict[str, Any]] | None:
    if not isinstance(given, list):
        faults.add(pointer, "Must be a list of rows.")
        return None
    if not given:
        faults.add(pointer, "Must have at least 1 row.")
    if len(given) > kind.max_rows:
        faults.add(pointer, f"Must have at most {count(kind.max_rows, 'row')}.")
        return None
    columns = tuple(Field(name=name, kind=column) for name, column in kind.columns.items())
    rows = []
    for place, row in enumerate(given):
        if faults.is_full:
            break
        at = below(pointer, place)
        rows.append(check_inputs(columns, row, faults, at) if columns else _free_row(row, at, faults))
    return rows


def _free_row(row: object, pointer: str, faults: Faults) -> dict[str, Any]:
    if not isinstance(row, dict):
        faults.add(pointer, "Must be an object with a member for each column.")
        return {}
    for name in row:
        if len(name) > CELL_TEXT_LIMIT or _is_broken(name):
            faults.add(
                pointer, f"A column's name must be text of at most {count(CELL_TEXT_LIMIT, 'character')}."
            )
    return {name: _cell(value, below(pointer, name), faults) for name, value in row.items()}


def _cell(value: object, pointer: str, faults: Faults) -> object:
    match value:
        case None | bool():
            return value
        case int() if INTEGER_LEAST <= value <= INTEGER_MOST:
            return value
        case int() | float():
            return _finite(value, pointer, faults)
        case str():
            return _text(Text(max_length=CELL_TEXT_LIMIT), value, pointer, faults)
    faults.add(pointer, "Must be a number, text, true, false or null.")
    return None


def _series(kind: Series, given: object, pointer: str, faults: Faults) -> list[float | None] | None:
    if not isinstance(given, list):
        faults.add(pointer, "Must be a list of numbers.")
        return None
    if len(given) < kind.min_length:
        faults.add(pointer, f"Must have at least {count(kind.min_length, 'number')}.")
    elif len(given) > kind.max_length:
        faults.add(pointer, f"Must have at most {count(kind.max_length, 'number')}.")
        return None
    number = Number(ge=kind.ge, le=kind.le, unit=kind.unit)
    checked = []
    for place, value in enumerate(given):
        if faults.is_full:
            break
        checked.append(_number(number, value, below(pointer, place), faults))
    return checked


_CHECKS: dict[type[Kind], Callable[[Any, object, str, Faults], Any]] = {
    Number: _number,
    Integer: _integer,
    Boolean: _boolean,
    Choice: _choice,
    Text: _text,
    Image: _file,
    Drawing: _drawing,
    File: _file,
    Table: _table,
    Series: _series,
}
