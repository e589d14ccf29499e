"""CSV and its relatives. Every cell is text, exactly as it stands in the file.

Arrow reads blocks of whole records at some two million rows a second; a block with a row that is too short or too
long is read by Python's reader instead, which keeps such a row in its place.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from frontdesk.errors import SheetFault
from frontdesk.store.sheets.dialect import Dialect, detect
from frontdesk.store.sheets.rows import Rows, place_names

_PIECE_BYTES = 2**20
_LONGEST_RECORD_BYTES = 16 * 2**20
_COLUMNS_LIMIT = 16_384  # as many as Excel has


class TextSheet:
    """A CSV or TSV file. Raises SheetFault where it cannot be read as one."""

    def __init__(self, path: Path) -> None:
        self._path, self._dialect = path, detect(path)
        self.total: int | None = max(_lines(path) - 1, 0)
        records = (record for block in self._blocks() for record in _python_rows(block, self._dialect))
        self.header = next(records, [])
        if not self.header:
            raise SheetFault("The file has no header.")
        if len(self.header) > _COLUMNS_LIMIT:
            raise SheetFault(f"The file has {len(self.header):,} columns; {_COLUMNS_LIMIT:,} are the most.")

    def rows(self) -> Iterator[Rows]:
        """All rows; empty lines are none."""
        is_first = True
        for block in self._blocks():
            rows = self._read(block)
            if is_first and rows.batch.num_rows:
                is_first = False
                rows = Rows(
                    rows.batch.slice(1), {place - 1: fault for place, fault in rows.faults.items() if place}
                )
            if rows.batch.num_rows:
                yield rows

    def _read(self, block: bytes) -> Rows:
        width = len(self.header)
        names, ragged = place_names(width), False

        def note(row: object) -> str:
            nonlocal ragged
            ragged = True
            return "skip"

        try:
            table = arrow_csv.read_csv(
                io.BytesIO(block),
                read_options=arrow_csv.ReadOptions(column_names=names, block_size=max(len(block), 1)),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._dialect.delimiter,
                    quote_char='"' if self._dialect.quotes else False,
                    newlines_in_values=self._dialect.quotes,
                    # An empty line in a file of one column is an empty cell, but nobody means it so.
                    ignore_empty_lines=True,
                    invalid_row_handler=note,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:
            ragged = True
        if ragged:
            return _ragged(_python_rows(block, self._dialect), width)
        return Rows(
            table.combine_chunks().to_batches()[0]
            if table.num_rows
            else pa.RecordBatch.from_pylist([], table.schema)
        )

    def _blocks(self) -> Iterator[bytes]:
        """Whole records in UTF-8, about a megabyte at a time."""
        decoder = codecs.getincrementaldecoder(self._dialect.encoding)()
        has_other_breaks = self._breaks_lines_with_returns(decoder)
        decoder.reset()
        left = b""
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                text = decoder.decode(piece)
                block = left + (text.replace("\r", "\n") if has_other_breaks else text).encode()
                end = self._end_of_records(block)
                if end:
                    yield block[:end]
                elif len(block) > _LONGEST_RECORD_BYTES:
                    raise SheetFault(
                        f"A row is longer than {_LONGEST_RECORD_BYTES >> 20} MB. Is a quotation mark not closed?"
                    )
                left = block[end:]
        left += decoder.decode(b"", final=True).encode()
        if left.strip(b"\r\n"):
            yield left

    def _breaks_lines_with_returns(self, decoder: codecs.IncrementalDecoder) -> bool:
        with self._path.open("rb") as file:
            head = decoder.decode(file.read(_PIECE_BYTES))
        return "\r" in head and "\n" not in head

    def _end_of_records(self, block: bytes) -> int:
        """Where the last whole record ends: behind a line break with an even number of quotation marks before it."""
        end = block.rfind(b"\n") + 1
        if not self._dialect.quotes:
            return end
        marks = block.count(b'"', 0, end)
        while end and marks % 2:
            before = block.rfind(b"\n", 0, end - 1) + 1
            marks -= block.count(b'"', before, end)
            end = before
        return end


def _lines(path: Path) -> int:
    """About as many as there are rows: cells with line breaks count for more."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            count += piece.count(b"\n")
            last = piece[-1:]
    return count + (last != b"\n")


def _python_rows(block: bytes, dialect: Dialect) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_RECORD_BYTES)
    lines = io.StringIO(block.decode(), newline="")
    rows = csv.reader(
        lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_MINIMAL if dialect.quotes else csv.QUOTE_NONE
    )
    try:
        yield from (row for row in rows if row)
    except csv.Error as error:
        raise SheetFault(f"The file cannot be read as CSV: {error}.") from None


def _ragged(rows: Iterator[list[str]], width: int) -> Rows:
    faults: dict[int, str] = {}
    kept: list[list[str]] = []
    for place, row in enumerate(rows):
        if len(row) == width:
            kept.append(row)
        else:
            cells = "cell" if len(row) == 1 else "cells"
            faults[place] = f"This row has {len(row)} {cells}, the header {width}."
            kept.append((row + [""] * width)[:width])
    columns = [pa.array(column, pa.string()) for column in zip(*kept, strict=True)]
    if not columns:
        columns = [pa.array([], pa.string())] * width
    return Rows(pa.RecordBatch.from_arrays(columns, place_names(width)), faults)
