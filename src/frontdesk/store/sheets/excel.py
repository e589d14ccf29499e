"""Excel workbooks (xlsx, xls, xlsb, ods): the first sheet with something on it. Cells keep their types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine

from frontdesk.errors import SheetFault
from frontdesk.store.sheets.rows import Rows, place_names

_ROWS_AT_ONCE = 10_000
_EXACT_IN_A_FLOAT = 2**53

_TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    float: pa.float64(),
    int: pa.int64(),
    str: pa.string(),
    dt.datetime: pa.timestamp("ms"),
    dt.date: pa.date32(),
}


class ExcelSheet:
    """One sheet. A column whose cells are of one type has that type; any other is text."""

    def __init__(self, path: Path) -> None:
        try:
            workbook = python_calamine.CalamineWorkbook.from_path(str(path))
            self._sheet = next(
                (s for s in map(workbook.get_sheet_by_name, workbook.sheet_names) if s.height), None
            )
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise SheetFault(f"The file cannot be read as a spreadsheet: {error}.") from None
        if self._sheet is None:
            raise SheetFault("The workbook is empty.")
        cells = self._cells()
        self.header = [_text(cell) for cell in next(cells)]
        while self.header and not self.header[-1]:
            self.header.pop()
        if not self.header:
            raise SheetFault("The first row, which should be the header, is empty.")
        self.total: int | None = 0
        kinds: list[set[type]] = [set() for _ in self.header]
        for row in cells:
            self.total += 1
            for kind, cell in zip(kinds, row, strict=False):
                if cell != "":
                    kind.add(_kind(cell))
        self._types = [_type_of(kind) for kind in kinds]

    def rows(self) -> Iterator[Rows]:
        """All rows below the header."""
        cells = self._cells()
        next(cells)
        width = len(self.header)
        while some := list(islice(cells, _ROWS_AT_ONCE)):
            columns = [
                _column([row[place] if place < len(row) else "" for row in some], self._types[place])
                for place in range(width)
            ]
            yield Rows(pa.RecordBatch.from_arrays(columns, place_names(width)))

    def _cells(self) -> Iterator[Sequence[Any]]:
        assert self._sheet is not None
        return (row for row in self._sheet.iter_rows() if any(cell != "" for cell in row))


def _kind(cell: Any) -> type:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_IN_A_FLOAT:
        return int  # Excel has no whole numbers of its own
    return type(cell)


def _type_of(kinds: set[type]) -> pa.DataType:
    if kinds <= {int, float}:
        return pa.int64() if kinds == {int} else pa.float64() if kinds else pa.string()
    if kinds <= {dt.date, dt.datetime} and len(kinds) > 1:
        return pa.timestamp("ms")
    return _TYPES.get(kinds.pop(), pa.string()) if len(kinds) == 1 else pa.string()


def _column(cells: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        return pa.array([_text(cell) for cell in cells], kind)
    if kind == pa.timestamp("ms"):
        cells = [dt.datetime.combine(cell, dt.time()) if type(cell) is dt.date else cell for cell in cells]
    if kind == pa.int64():
        return pa.array([None if cell == "" else int(cell) for cell in cells], kind)
    return pa.array([None if cell == "" else cell for cell in cells], kind)


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT_IN_A_FLOAT:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    return cell.strip() if isinstance(cell, str) and not cell.strip() else str(cell)
