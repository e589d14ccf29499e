"""The answers to a batch file so far: one Arrow file for each chunk, in a folder of the job's own.

A chunk is there whole or not at all: it is written beside its place, synced, and renamed. Its name says which rows it
answers, and under which lease: so whoever goes on with a job knows how far it is, and a worker that wakes up after its
lease was lost can add files, but none in the place of another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

ERROR = "error"
_SUFFIX = ".arrow"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The rows from `start` on and before `end`, answered under the lease with this token."""

    start: int
    end: int
    token: int

    @property
    def name(self) -> str:
        """It as a file's name, in the order of rows."""
        return f"{self.start:012d}-{self.end:012d}-{self.token:08d}"

    @classmethod
    def read(cls, name: str) -> Self | None:
        """The stretch of this name, if it is one."""
        numbers = name.split("-")
        if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
            return None
        return cls(*map(int, numbers))


class Chunks:
    """The chunks of one job, for the holder of the lease with this token."""

    def __init__(self, folder: Path, token: int) -> None:
        self.folder, self._token = folder, token
        folder.mkdir(parents=True, exist_ok=True)
        found = (Stretch.read(path.stem) for path in folder.glob(f"*{_SUFFIX}"))
        self._stretches = _longest_row([stretch for stretch in found if stretch is not None])

    @property
    def rows(self) -> int:
        """How many rows are answered."""
        return self._stretches[-1].end if self._stretches else 0

    def since(self, row: int) -> tuple[Stretch, list[Path]]:
        """The chunks from this row on, at which one begins: all they answer, and their files."""
        new = [stretch for stretch in self._stretches if stretch.start >= row]
        end = new[-1].end if new else row
        return Stretch(row, end, self._token), [self._path(stretch) for stretch in new]

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
        stretch = Stretch(self.rows, self.rows + count, self._token)
        path = self._path(stretch)
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            with pa.ipc.new_file(file, batch.schema) as writer:
                writer.write_batch(batch)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        self._stretches.append(stretch)

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
        return [self._path(stretch) for stretch in self._stretches]

    def _path(self, stretch: Stretch) -> Path:
        return self.folder / f"{stretch.name}{_SUFFIX}"


def _longest_row(found: Sequence[Stretch]) -> list[Stretch]:
    """Of stretches that several leases left, those that follow one another from the first row on, and get furthest."""
    # By the row a stretch begins at: how far one gets from there, and by which stretch.
    best: dict[int, tuple[int, Stretch]] = {}
    for stretch in sorted(found, key=lambda stretch: stretch.start, reverse=True):
        reach = best[stretch.end][0] if stretch.end in best else stretch.end
        if stretch.end > stretch.start and (stretch.start not in best or reach > best[stretch.start][0]):
            best[stretch.start] = reach, stretch
    row: list[Stretch] = []
    while (following := best.get(row[-1].end if row else 0)) is not None:
        row.append(following[1])
    return row


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
