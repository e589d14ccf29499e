"""From parsed JSON to wire form, finding everything that is wrong: the long way, taken where the short one fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from frontdesk.declare.faults import (
    REQUIRED,
    UNKNOWN,
    Faults,
    below,
    count,
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
from frontdesk.declare.scalars import (
    check_boolean,
    check_choice,
    check_integer,
    check_number,
    check_text,
    finite,
    is_broken,
)
from frontdesk.declare.wire import FILE_ID_LIMIT, FileRef, base64_length, bytes_of, has_shape


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
    elif not isinstance(file_id, str) or not 1 <= len(file_id) <= FILE_ID_LIMIT or is_broken(file_id):
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
            checked.append(check_number(ink, member, at, faults))
        elif len(member) != kind.width:
            faults.add(at, f"Must have {count(kind.width, 'number')}.")
        else:
            checked.append(
                [check_number(ink, value, below(at, column), faults) for column, value in enumerate(member)]
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
        if len(name) > CELL_TEXT_LIMIT or is_broken(name):
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
            return finite(value, pointer, faults)
        case str():
            return check_text(Text(max_length=CELL_TEXT_LIMIT), value, pointer, faults)
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
        checked.append(check_number(number, value, below(pointer, place), faults))
    return checked


_CHECKS: dict[type[Kind], Callable[[Any, object, str, Faults], Any]] = {
    Number: check_number,
    Integer: check_integer,
    Boolean: check_boolean,
    Choice: check_choice,
    Text: check_text,
    Image: _file,
    Drawing: _drawing,
    File: _file,
    Table: _table,
    Series: _series,
}
