"""The answers to a batch file so far: one Arrow file for each chunk, in a folder of the job's own.

A chunk is there whole or not at all: it is written beside its place, synced, and renamed. So whoever goes on with a
job counts the chunks and their rows, and whoever writes the result reads them in order.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

ERROR = "error"
_SUFFIX = ".arrow"


class Chunks:
    """The chunks of one job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._sizes = [_rows_in(path) for path in self._paths()]

    @property
    def rows(self) -> int:
        """How many rows are answered."""
        return sum(self._sizes)

    def add(
        self,
        columns: Mapping[str, Sequence[Any]],
        faults: Mapping[int, str],
        places: Sequence[int] | None,
        count: int,
    ) -> None:
        """Keep the answers to the next `count` rows. `places` says to which of them the columns belong; None is all."""
        spread = {name: _spread(values, places, count) for name, values in columns.items()}
        errors = [faults.get(place) for place in range(count)] if faults else [None] * count
        batch = pa.RecordBatch.from_pydict(
            {
                **{name: _array(values) for name, values in spread.items()},
                ERROR: pa.array(errors, pa.string()),
            }
        )
        path = self.folder / f"{len(self._sizes):08d}{_SUFFIX}"
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            with pa.ipc.new_file(file, batch.schema) as writer:
                writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        self._sizes.append(count)

    def schema(self) -> pa.Schema:
        """The columns of all chunks together, the error last. A column that is text anywhere is text."""
        kinds: dict[str, pa.DataType] = {}
        for path in self._paths():
            with pa.ipc.open_file(path) as reader:
                for field in reader.schema:
                    known = kinds.get(field.name)
                    kinds[field.name] = field.type if known is None else _common(known, field.type)
        kinds.pop(ERROR, None)
        kinds = {name: pa.string() if pa.types.is_null(kind) else kind for name, kind in kinds.items()}
        return pa.schema([*kinds.items(), (ERROR, pa.string())])

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """All answers in order, under one schema."""
        for path in self._paths():
            with pa.ipc.open_file(path) as reader:
                batch = reader.get_batch(0)
            names = set(batch.schema.names)
            columns = [
                _cast(batch.column(field.name), field.type)
                if field.name in names
                else pa.nulls(batch.num_rows, field.type)
                for field in schema
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def failed_rows(self) -> int:
        """How many rows have no answer."""
        return sum(
            batch.num_rows - batch.column(ERROR).null_count
            for batch in self.batches(pa.schema([(ERROR, pa.string())]))
        )

    def discard(self) -> None:
        """Forget them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{_SUFFIX}"))


def _rows_in(path: Path) -> int:
    with pa.ipc.open_file(path) as reader:
        return int(reader.get_batch(0).num_rows)


def _spread(values: Sequence[Any], places: Sequence[int] | None, count: int) -> Sequence[Any]:
    if places is None:
        return values
    spread: list[Any] = [None] * count
    for place, value in zip(places, values, strict=True):
        spread[place] = value
    return spread


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # of several types
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    numbers = (pa.types.is_integer, pa.types.is_floating)
    if any(test(one) for test in numbers) and any(test(other) for test in numbers):
        return pa.float64()
    return pa.string()


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.cast(kind)
