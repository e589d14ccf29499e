"""How inputs look between decoding and the host, and the msgspec types that decode JSON to that in one go.

kind                            on the wire
Number, Integer, Boolean        float, int, bool
Choice, Text                    str
Image, File                     bytes or FileRef; JSON has base64 text, a data: URL or {"file": ID}
Drawing                         bytes (a PNG), or rows of numbers 0..255, nested or flat
Table                           rows by column name
Series                          list[float]

These types refuse some JSON that is valid after all, such as 1.0 for an integer: then `declare.checking` has the
last word. They accept nothing that it would not, but for what `is_exact` and `has_shape` are about.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

import msgspec

from frontdesk.declare.kinds import (
    CELL_TEXT_LIMIT,
    DRAWING_LIMIT_BYTES,
    INTEGER_LEAST,
    INTEGER_MOST,
    AnyKind,
    Boolean,
    Choice,
    Drawing,
    Field,
    File,
    Image,
    Integer,
    Kind,
    Number,
    Series,
    Table,
    Text,
)

FILE_ID_LIMIT = 64


class FileRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that was uploaded before."""

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=FILE_ID_LIMIT)]


def inputs_type(fields: tuple[Field, ...]) -> type[msgspec.Struct]:
    """The struct that inputs of these fields are decoded to."""
    return msgspec.defstruct(
        "Inputs",
        [_member(field) for field in fields],
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,  # decoded JSON holds no cycles
    )


def _member(field: Field) -> tuple[str, Any] | tuple[str, Any, Any]:
    decoded = wire_type(field.kind)
    if field.nullable:
        decoded = decoded | None
    if field.required:
        return field.name, decoded
    if isinstance(field.default, list):
        return field.name, decoded, msgspec.field(default_factory=_copied(field.default))
    return field.name, decoded, field.default


def _copied(rows: list[Any]) -> Callable[[], list[Any]]:
    return lambda: [dict(row) if isinstance(row, dict) else row for row in rows]


def wire_type(kind: AnyKind) -> Any:
    """The type msgspec decodes JSON of this kind to."""
    return _TYPES[type(kind)](kind)


def _number(kind: Number) -> Any:
    limits = {name: getattr(kind, name) for name in ("ge", "le", "gt", "lt")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return Annotated[float, msgspec.Meta(**given)] if given else float


def _integer(kind: Integer) -> Any:
    least = INTEGER_LEAST if kind.ge is None else kind.ge
    most = INTEGER_MOST if kind.le is None else kind.le
    return Annotated[int, msgspec.Meta(ge=least, le=most)]


def _choice(kind: Choice) -> Any:
    return cast(Any, Literal).__getitem__(kind.options)


def _text(kind: Text) -> Any:
    pattern = None if kind.pattern is None else whole_pattern(kind.pattern)
    return Annotated[
        str, msgspec.Meta(min_length=kind.min_length, max_length=kind.max_length, pattern=pattern)
    ]


def whole_pattern(pattern: str) -> str:
    """An author's regular expression, held to the whole text."""
    return rf"\A(?:{pattern})\Z"


def _image(kind: Image) -> Any:
    return Annotated[bytes, msgspec.Meta(min_length=1, max_length=kind.max_bytes)] | FileRef


def _file(kind: File) -> Any:
    return Annotated[bytes, msgspec.Meta(max_length=kind.max_bytes)] | FileRef


def _drawing(kind: Drawing) -> Any:
    ink = Annotated[float, msgspec.Meta(ge=0, le=255)]
    row: Any = Annotated[list[ink], msgspec.Meta(min_length=kind.width, max_length=kind.width)]
    png = Annotated[bytes, msgspec.Meta(min_length=1, max_length=DRAWING_LIMIT_BYTES)]
    return png | list[row | ink]


def has_shape(drawing: bytes | list[Any], kind: Drawing) -> bool:
    """Whether rows of a drawing are as many as it is high; what msgspec cannot express."""
    if isinstance(drawing, bytes):
        return True
    if len(drawing) == kind.height and all(isinstance(row, list) for row in drawing):
        return True
    return len(drawing) == kind.height * kind.width and not any(isinstance(row, list) for row in drawing)


def _table(kind: Table) -> Any:
    cell_text = Annotated[str, msgspec.Meta(max_length=CELL_TEXT_LIMIT)]
    whole_number = Annotated[int, msgspec.Meta(ge=INTEGER_LEAST, le=INTEGER_MOST)]
    row: Any = dict[cell_text, bool | whole_number | float | cell_text | None]
    if kind.columns and is_exact(kind):
        # Columns may be called anything, attributes may not: they are numbered, and renamed in JSON.
        row = msgspec.defstruct(
            "Row",
            [(f"c{place}", wire_type(column)) for place, column in enumerate(kind.columns.values())],
            rename={f"c{place}": name for place, name in enumerate(kind.columns)},
            forbid_unknown_fields=True,
            gc=False,
        )
    return Annotated[list[row], msgspec.Meta(min_length=1, max_length=kind.max_rows)]


_UNFIT_FOR_STRUCTS = re.compile(r'["\\\x00-\x1f]').search


def is_exact(kind: AnyKind) -> bool:
    """Whether the type refuses all that is wrong. For columns named in a way msgspec cannot have it does not."""
    return not isinstance(kind, Table) or not any(map(_UNFIT_FOR_STRUCTS, kind.columns))


def _series(kind: Series) -> Any:
    number: Any = _number(Number(ge=kind.ge, le=kind.le))
    return Annotated[list[number], msgspec.Meta(min_length=kind.min_length, max_length=kind.max_length)]


_TYPES: dict[type[Kind], Callable[[Any], Any]] = {
    Number: _number,
    Integer: _integer,
    Boolean: lambda kind: bool,
    Choice: _choice,
    Text: _text,
    Image: _image,
    Drawing: _drawing,
    File: _file,
    Table: _table,
    Series: _series,
}

# --------------------------------------------------------------------------- base64

BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
DATA_URL_HEAD = r"data:[A-Za-z0-9+./;=_-]{0,100};base64,"
_head = re.compile(DATA_URL_HEAD).match


def base64_length(size_bytes: int) -> int:
    """Characters that so many bytes take."""
    return -(-size_bytes // 3) * 4


def bytes_of(text: str) -> bytes | None:
    """What base64 text, or a data: URL of it, stands for; None where it is neither."""
    if head := _head(text):
        text = text[head.end() :]
    if len(text) % 4 or text.endswith("==="):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
