"""What every kind of sheet is read as: a header, and rows in batches of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec
import pyarrow as pa


class Rows(msgspec.Struct, frozen=True):
    """Some rows, in order. Columns go by their place (`c0`, `c1`), since names may be anything.

    `faults` says, by place among these rows, what is wrong with the shape of one.
    """

    batch: pa.RecordBatch
    faults: Mapping[int, str] = {}


class Sheet(Protocol):
    """An open spreadsheet."""

    @property
    def header(self) -> list[str]:
        """The names of the columns, as they stand there."""

    @property
    def total(self) -> int | None:
        """About how many rows there are below the header; None where only reading them would tell."""

    def rows(self) -> Iterator[Rows]:
        """All rows from the first one. May be called again."""


def place_names(width: int) -> list[str]:
    """The names columns go by inside."""
    return [f"c{place}" for place in range(width)]
