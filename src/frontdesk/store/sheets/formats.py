"""What kinds of spreadsheet can be written."""

from __future__ import annotations

from enum import StrEnum


class SheetFormat(StrEnum):
    """What can be written."""

    XLSX = "xlsx"
    CSV = "csv"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """As the web calls it."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    SheetFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    SheetFormat.CSV: "text/csv; charset=utf-8",
    SheetFormat.PARQUET: "application/vnd.apache.parquet",
}
