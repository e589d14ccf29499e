"""From the columns of a sheet to the inputs of a model: whole columns where they allow it, cell by cell where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from frontdesk.declare.columns import read_cell
from frontdesk.declare.kinds import Field, Integer, Number
from frontdesk.errors import InvalidInput
from frontdesk.store.sheets.rows import Rows


class Inputs(msgspec.Struct, frozen=True):
    """What a model can be asked: a list for each input, the places of these rows in the sheet's, and what is wrong
    with the others."""

    columns: dict[str, list[Any]]
    places: list[int] | None
    faults: dict[int, str]


def inputs_of(fields: Sequence[Field], places: Mapping[str, int], rows: Rows) -> Inputs:
    """The inputs in these rows. `places` says in which column each input stands."""
    columns: dict[str, list[Any]] = {}
    faults: dict[int, str] = dict(rows.faults)
    for field in fields:
        if field.name not in places:
            columns[field.name] = [field.default] * rows.batch.num_rows
            continue
        column = rows.batch.column(places[field.name])
        values = _whole(field, column)
        columns[field.name] = _each(field, column, faults) if values is None else values
    if not faults:
        return Inputs(columns, None, {})
    good = [place for place in range(rows.batch.num_rows) if place not in faults]
    return Inputs({name: [values[p] for p in good] for name, values in columns.items()}, good, faults)


def _whole(field: Field, column: pa.Array) -> list[Any] | None:
    """A column of numbers that all fit, converted at once; None where one of them does not, or it is no such column."""
    kind = field.kind
    if not isinstance(kind, Number | Integer) or column.null_count:
        return None
    try:
        numbers = pc.cast(
            pc.utf8_trim_whitespace(column) if pa.types.is_string(column.type) else column, _TYPES[type(kind)]
        )
    except pa.ArrowException:
        return None
    ends = pc.min_max(numbers).as_py()
    low, high = ends["min"], ends["max"]
    if low is None:
        return []
    if isinstance(kind, Number) and not pc.all(pc.is_finite(numbers)).as_py():
        return None
    fits = (kind.ge is None or low >= kind.ge) and (kind.le is None or high <= kind.le)
    if isinstance(kind, Number):
        fits = fits and (kind.gt is None or low > kind.gt) and (kind.lt is None or high < kind.lt)
    return numbers.to_pylist() if fits else None


_TYPES: dict[type, pa.DataType] = {Number: pa.float64(), Integer: pa.int64()}


def _each(field: Field, column: pa.Array, faults: dict[int, str]) -> list[Any]:
    """Each different cell is read once, however often it stands there."""
    texts = [_text(cell) for cell in column.to_pylist()]
    values: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        try:
            values[text] = read_cell(field, text)
        except InvalidInput as refusal:
            shown = f"{text[:40]!r}: " if text.strip() else ""
            refused[text] = f"{field.name}: {shown}{refusal.faults[0].detail}"
    if refused:
        for place, text in enumerate(texts):
            if text in refused:
                faults[place] = f"{faults[place]} {refused[text]}" if place in faults else refused[text]
    return [values.get(text) for text in texts]


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return str(cell)
