"""How a text file is to be read: its encoding, its delimiter, whether it quotes."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from pathlib import Path

import msgspec

from frontdesk.errors import SheetFault

_HEAD_BYTES = 256 * 1024
_PIECE_BYTES = 2**20
_LOOKED_AT = 200
_DELIMITERS = ",;\t|"
_EVIDENCE = 20  # with fewer bytes beyond ASCII than this, Western European is as good a guess as any
_OUT_OF_USE = [
    "mac_cyrillic",
    "mac_greek",
    "mac_iceland",
    "mac_latin2",
    "mac_roman",
    "mac_turkish",
    "cp437",
    "cp850",
]
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about a text file."""

    encoding: str
    delimiter: str
    quotes: bool


def detect(path: Path) -> Dialect:
    """Look at the head for the delimiter and at the whole file for the encoding. Raises SheetFault."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.strip():
        raise SheetFault("The file is empty.")
    encoding = _encoding(path, head)
    text = codecs.getincrementaldecoder(encoding)().decode(head)
    if "\0" in text:
        raise SheetFault("This is no text file.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(head) == _HEAD_BYTES and "\n" in text:
        text = text[: text.rindex("\n")]
    delimiter = _delimiter(text)
    return Dialect(encoding=encoding, delimiter=delimiter, quotes=_quotes(text, delimiter))


def _encoding(path: Path, head: bytes) -> str:
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            if not _decodes(path, name):
                raise SheetFault(f"The file says it is {name}, but is not.")
            return name
    if _decodes(path, "utf-8"):
        return "utf-8"
    if sum(byte > 127 for byte in head) >= _EVIDENCE:
        # Only now: the detector is slow, and guesses.
        from charset_normalizer import from_bytes

        best = from_bytes(head, cp_exclusion=_OUT_OF_USE).best()
        if best is not None and best.encoding != "utf_8" and _decodes(path, best.encoding):
            return best.encoding
    return "cp1252" if _decodes(path, "cp1252") else "latin-1"


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _delimiter(text: str) -> str:
    """The one that cuts most rows into the same number of cells, more than one."""

    def score(delimiter: str) -> tuple[float, int]:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        widths: list[int] = []
        try:
            widths += [len(row) for row, _ in zip(rows, range(_LOOKED_AT), strict=False) if row]
        except csv.Error:
            return (0.0, 0)
        # The header is the row that counts: what follows may be ragged.
        width = (
            widths[0] if widths and widths[0] > 1 else Counter(widths).most_common(1)[0][0] if widths else 0
        )
        return (widths.count(width) / len(widths), width) if width > 1 else (0.0, 0)

    best = max(_DELIMITERS, key=score)
    return best if score(best) > (0.0, 0) else ","


def _quotes(text: str, delimiter: str) -> bool:
    """Whether a cell begins with a quotation mark. One in the middle of a cell is only a character."""
    return any(f'{before}"' in text for before in ("\n", delimiter)) or text.startswith('"')
