"""Opening a spreadsheet, by what it is and not by what it is called."""

from __future__ import annotations

import zipfile
from pathlib import Path

from frontdesk.errors import SheetFault
from frontdesk.store.sheets.rows import Sheet

_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
# An xlsx is a zip, and a small one can hold gigabytes of zeros.
_UNPACKED_LIMIT_BYTES = 2 * 2**30


def open_sheet(path: Path) -> Sheet:
    """The sheet in this file. Raises SheetFault with a sentence for whoever sent it."""
    with path.open("rb") as file:
        start = file.read(4)
    if start == _PARQUET:
        from frontdesk.store.sheets.parquet import ParquetSheet

        return ParquetSheet(path)
    if start in (_ZIP, _OLE):
        if start == _ZIP:
            _check_unpacked_size(path)
        from frontdesk.store.sheets.excel import ExcelSheet

        return ExcelSheet(path)
    from frontdesk.store.sheets.text import TextSheet

    return TextSheet(path)


def _check_unpacked_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise SheetFault("The file is broken.") from None
    if size > _UNPACKED_LIMIT_BYTES:
        raise SheetFault(f"Unpacked, the workbook is larger than {_UNPACKED_LIMIT_BYTES >> 30} GB.")
