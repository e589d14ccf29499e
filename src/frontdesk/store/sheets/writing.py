"""Writing spreadsheets: CSV, Excel and Parquet, a batch at a time.

No text is ever written so that a spreadsheet runs it. In Excel and Parquet text is text by type; in CSV, where it is
not, a cell that begins as a formula does gets an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from frontdesk.store.sheets.formats import SheetFormat

_EXCEL_ROWS = 1_048_575  # below the header
_EXCEL_TEXT = 32_767
_LONG = 10**15
_NUMBER = r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*$"
_BEGINS_AS_FORMULA = r"^[\s\x00-\x1f]*[=+\-@\x00-\x08\x0b\x0c\x0e-\x1f]|^[\t\r]"
# What Excel, which keeps fifteen digits, gives back as it got it.
_ANY_NUMBER = r"^[+-]?(\d{1,15}|\d{0,15}\.\d+)([eE][+-]?\d+)?$"
_SAFE_NUMBER = r"^-?(0|[1-9]\d{0,14}|(0|[1-9]\d{0,8})\.\d{0,5}[1-9])$"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written: batches of one schema, `count` rows in all, under a header.

    `numbers` are places of text columns of which every cell is a number, `texts` places of whole numbers too long
    for a spreadsheet; Excel gets the first as numbers and the second as text.
    """

    header: Sequence[str]
    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    count: int
    numbers: frozenset[int] = frozenset()
    texts: frozenset[int] = frozenset()


def write_sheet(path: Path, kind: SheetFormat, table: Table) -> None:
    """Write it, in bounded memory."""
    {SheetFormat.CSV: _write_csv, SheetFormat.XLSX: _write_excel, SheetFormat.PARQUET: _write_parquet}[kind](
        path, table
    )


def reads_as_numbers(column: pa.Array, *, however: bool = False) -> bool:
    """Whether every cell of a text column that holds something is a number which a spreadsheet gives back unchanged.

    With `however`, 1.50 may come back as 1.5, since it is known to be a number and not a name.
    """
    filled = column.filter(pc.not_equal(column, ""))
    pattern = _ANY_NUMBER if however else _SAFE_NUMBER
    return len(filled) == 0 or bool(pc.all(pc.match_substring_regex(filled, pattern)).as_py())


def is_too_long(column: pa.Array) -> bool:
    """Whether a column of whole numbers has one of more digits than a spreadsheet keeps."""
    ends = pc.min_max(column).as_py()
    return ends["min"] is not None and max(abs(ends["min"]), abs(ends["max"])) >= _LONG


def _as_numbers(column: pa.Array) -> pa.Array:
    return pc.cast(pc.if_else(pc.equal(column, ""), None, column), pa.float64())


def _distinct(header: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    names: list[str] = []
    for name in header:
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name} ({number})", number + 1
        taken.add(unique)
        names.append(unique)
    return names


def _write_csv(path: Path, table: Table) -> None:
    # Arrow's own writer puts every text in quotation marks; we touch only what needs them.
    names = pa.RecordBatch.from_arrays([pa.array([name]) for name in table.header], table.schema.names)
    with path.open("wb") as file:
        for batch in chain([names], table.batches):
            if batch.num_rows:
                cells = [_cells(column) for column in batch.columns]
                lines = pc.binary_join_element_wise(*cells, ",", null_handling="replace", null_replacement="")
                offsets = pa.array([0, len(lines)], pa.int32())
                file.write(pc.binary_join(pa.ListArray.from_arrays(offsets, lines), "\n")[0].as_buffer())
                file.write(b"\n")


def _cells(column: pa.Array) -> pa.Array:
    """A column as it stands between commas."""
    if not pa.types.is_string(column.type):
        return pc.cast(column, pa.string())
    column = _disarmed(column)
    special = pc.match_substring_regex(column, '[",\r\n]')
    if not pc.any(special).as_py():
        return column
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(special, quoted, column)


def _disarmed(column: pa.Array) -> pa.Array:
    suspicious = pc.match_substring_regex(column, _BEGINS_AS_FORMULA)
    if not pc.any(suspicious).as_py():
        return column
    dangerous = pc.and_(suspicious, pc.invert(pc.match_substring_regex(column, _NUMBER)))
    return pc.if_else(dangerous, pc.binary_join_element_wise("'", column, ""), column)


def _write_excel(path: Path, table: Table) -> None:
    from rustpy_xlsxwriter import write_worksheets

    types = [_excel_type(table, place, field.type) for place, field in enumerate(table.schema)]
    schema = pa.schema(list(zip(_distinct(table.header), types, strict=True)))
    source = iter(table.batches)
    left: list[pa.RecordBatch] = []

    def rows_of_a_sheet() -> Iterator[pa.RecordBatch]:
        room = _EXCEL_ROWS
        while room and (batch := left.pop() if left else next(source, None)) is not None:
            if batch.num_rows > room:
                left.append(batch.slice(room))
                batch = batch.slice(0, room)
            room -= batch.num_rows
            yield pa.RecordBatch.from_arrays(
                [_fitted(column, kind) for column, kind in zip(batch.columns, types, strict=True)],
                schema=schema,
            )

    count = max(1, -(-table.count // _EXCEL_ROWS))
    names = [f"Sheet{number}" for number in range(1, count + 1)]
    write_worksheets(
        [(name, pa.RecordBatchReader.from_batches(schema, rows_of_a_sheet())) for name in names],
        str(path),
        freeze_panes={"general": {"row": 1, "col": 0}},
        autofilter=dict.fromkeys(names, True),
        bold_headers=True,
        datetime_format="yyyy-mm-dd hh:mm:ss",
    )


def _excel_type(table: Table, place: int, kind: pa.DataType) -> pa.DataType:
    if place in table.numbers:
        return pa.float64()
    is_zoned = pa.types.is_timestamp(kind) and kind.tz is not None
    if place in table.texts or is_zoned or pa.types.is_time(kind) or pa.types.is_duration(kind):
        return pa.string()
    return kind


def _fitted(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return pc.utf8_slice_codeunits(column, 0, _EXCEL_TEXT) if pa.types.is_string(kind) else column
    return _as_numbers(column) if pa.types.is_string(column.type) else pc.cast(column, kind)


def _write_parquet(path: Path, table: Table) -> None:
    from pyarrow import parquet

    schema = pa.schema(list(zip(_distinct(table.header), table.schema.types, strict=True)))
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in table.batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
