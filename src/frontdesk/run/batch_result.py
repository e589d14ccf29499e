"""The result of a batch job: the rows of the sheet as they were, with the answers beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa

from frontdesk.run.chunks import Chunks
from frontdesk.store.sheets.formats import SheetFormat
from frontdesk.store.sheets.reading import open_sheet
from frontdesk.store.sheets.rows import Sheet, place_names
from frontdesk.store.sheets.writing import Table, is_too_long, reads_as_numbers, write_sheet


def write_result(source: Path, kind: str, chunks: Chunks, measured: frozenset[int]) -> tuple[Path, list[str]]:
    """Write as many rows as are answered; give the file, and the names of the columns that were added.

    `measured` are the places of columns that feed numbers, which are numbers to a spreadsheet however they are written.
    """
    sheet = open_sheet(source)
    answers = chunks.schema()
    added = _names_beside(sheet.header, answers.names)
    first = next(sheet.rows(), None)
    kinds = first.batch.schema.types if first is not None else [pa.string()] * len(sheet.header)
    schema = pa.schema(
        list(
            zip(
                [*place_names(len(kinds)), *(f"a{place}" for place in range(len(added)))],
                [*kinds, *answers.types],
                strict=True,
            )
        )
    )
    numbers, texts = _for_excel(sheet, measured) if kind == SheetFormat.XLSX else (frozenset(), frozenset())
    table = Table(
        header=[*sheet.header, *added],
        schema=schema,
        batches=_side_by_side(sheet, chunks, answers, schema),
        count=chunks.rows,
        numbers=numbers,
        texts=texts,
    )
    path = chunks.folder / f"result-{os.getpid()}.part"
    write_sheet(path, SheetFormat(kind), table)
    return path, added


def _names_beside(header: list[str], names: list[str]) -> list[str]:
    """Names for our columns that the sheet does not have."""
    taken, added = set(header), []
    for name in names:
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name} ({number})", number + 1
        taken.add(unique)
        added.append(unique)
    return added


def _side_by_side(
    sheet: Sheet, chunks: Chunks, answers: pa.Schema, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The sheet's batches and the chunks' go at different steps; each piece is as long as both allow."""
    ours = chunks.batches(answers)
    answer: pa.RecordBatch | None = None
    for rows in sheet.rows():
        left = rows.batch
        while left.num_rows:
            if answer is None or not answer.num_rows:
                answer = next(ours, None)
                if answer is None:
                    return
            count = min(left.num_rows, answer.num_rows)
            yield pa.RecordBatch.from_arrays(
                list(chain(left.slice(0, count).columns, answer.slice(0, count).columns)), schema=schema
            )
            left, answer = left.slice(count), answer.slice(count)


def _for_excel(sheet: Sheet, measured: frozenset[int]) -> tuple[frozenset[int], frozenset[int]]:
    """The places of text columns that are all numbers, and of whole numbers too long for a spreadsheet."""
    numbers: set[int] | None = None
    texts: set[int] = set()
    for rows in sheet.rows():
        columns = rows.batch.columns
        if numbers is None:
            numbers = {place for place, column in enumerate(columns) if pa.types.is_string(column.type)}
        numbers = {p for p in numbers if reads_as_numbers(columns[p], however=p in measured)}
        texts |= {
            place
            for place, column in enumerate(columns)
            if pa.types.is_integer(column.type) and is_too_long(column)
        }
    return frozenset(numbers or ()), frozenset(texts)
