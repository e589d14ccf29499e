"""Parquet files. Columns keep their types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from frontdesk.errors import SheetFault
from frontdesk.store.sheets.rows import Rows, place_names

_ROWS_AT_ONCE = 10_000


class ParquetSheet:
    """One file."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = arrow_parquet.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise SheetFault(f"The file cannot be read as Parquet: {error}.") from None
        self.header: list[str] = self._file.schema_arrow.names
        self.total: int | None = self._file.metadata.num_rows
        if not self.header:
            raise SheetFault("The file has no columns.")

    def rows(self) -> Iterator[Rows]:
        """All rows."""
        names = place_names(len(self.header))
        for batch in self._file.iter_batches(batch_size=_ROWS_AT_ONCE):
            yield Rows(pa.RecordBatch.from_arrays([_flat(column) for column in batch.columns], names))


def _flat(column: pa.Array) -> pa.Array:
    """What has no place in a cell, such as a list, as text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if (
        pa.types.is_nested(column.type)
        or pa.types.is_binary(column.type)
        or pa.types.is_large_binary(column.type)
    ):
        return pa.array([None if cell is None else str(cell) for cell in column.to_pylist()], pa.string())
    if pa.types.is_large_string(column.type) or pa.types.is_decimal(column.type):
        return column.cast(pa.string())
    return column
