"""The kinds of input a task can ask for.

A kind is plain data: it crosses process boundaries, becomes JSON Schema (`declare.schema`),
a decoder (`declare.codec`) and a widget (`serve/templates`). An author writes one inside
`Annotated`, or lets the bare type stand for its default kind::

    predict(self, length: Annotated[float, Number(ge=0, le=10, unit="cm")] = 5.8, note: str = "")
"""

from __future__ import annotations

from typing import Any

import msgspec


class Kind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What all kinds share. `title` and `help` are what the form shows beside the field."""

    title: str = ""
    help: str = ""


class Number(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="number"):
    """A finite real number (`float`). `step` is what a slider moves by; it does not restrict values."""

    ge: float | None = None
    le: float | None = None
    gt: float | None = None
    lt: float | None = None
    step: float | None = None
    unit: str = ""
    log: bool = False


class Integer(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="integer"):
    """A whole number (`int`) that fits in 64 bits."""

    ge: int | None = None
    le: int | None = None
    step: int | None = None
    unit: str = ""
    log: bool = False


class Boolean(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="boolean"):
    """Yes or no (`bool`)."""


class Choice(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="choice"):
    """One of a few strings (`Literal["a", "b"]`, an Enum of strings, or `Annotated[str, Choice(options=...)]`).

    `enum` is where an author's Enum is found in the model's own process: its module and qualified name.
    """

    options: tuple[str, ...] = ()
    enum: str = ""


class Text(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="text"):
    """Text (`str`), counted in characters. `pattern` is a regular expression the whole text must match."""

    min_length: int = 0
    max_length: int = 10_000
    pattern: str | None = None
    lines: int = 1
    placeholder: str = ""


class Image(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="image"):
    """A picture. `predict` receives a `PIL.Image.Image` in `mode`, turned upright by its EXIF tag.

    `gallery` names a folder of sample pictures: absolute, or relative to the task's own folder or
    to the models folder, whichever has it.
    """

    mode: str = "RGB"
    max_bytes: int = 20 * 2**20
    max_pixels: int = 50_000_000
    gallery: str | None = None


class Drawing(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="drawing"):
    """A drawing on a canvas: a `numpy.ndarray` of shape (height, width), uint8, 0 paper, 255 ink.

    It arrives as rows of such numbers, or as a PNG of any size whose brightness is the ink; what is
    transparent is paper. With `ask_on_stroke` the page asks whenever a stroke ends, provided that nothing else
    must be filled in; turn it off where an answer is slow or dear.
    """

    width: int = 28
    height: int = 28
    ask_on_stroke: bool = True


class File(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="file"):
    """Any file. `predict` receives its `bytes`. `accept` lists endings such as ".wav"."""

    max_bytes: int = 20 * 2**20
    accept: tuple[str, ...] = ()


class Table(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="table"):
    """Rows with named columns: a `list[dict[str, float | int | str | bool | None]]`.

    `columns` maps a name to its kind (Number, Integer, Boolean, Choice or Text), and each row then has exactly
    these; empty: any columns.
    """

    columns: dict[str, Number | Integer | Boolean | Choice | Text] = {}
    max_rows: int = 1000

    def __hash__(self) -> int:
        # `Annotated[..., Table()] | None` hashes its parts, and a dictionary has no hash of its own.
        return hash((tuple(self.columns.items()), self.max_rows))


class Series(Kind, frozen=True, kw_only=True, omit_defaults=True, tag="series"):
    """A row of numbers in order (`list[float]`), such as a signal or a feature vector."""

    min_length: int = 1
    max_length: int = 100_000
    ge: float | None = None
    le: float | None = None
    unit: str = ""


AnyKind = Number | Integer | Boolean | Choice | Text | Image | Drawing | File | Table | Series

INTEGER_LEAST, INTEGER_MOST = -(2**63), 2**63 - 1
"""What fits in 64 bits, which is what every program and file format can hold."""

CELL_TEXT_LIMIT = 10_000
"""Characters of text in a cell, and of a column's name, of a table without declared columns."""

DRAWING_LIMIT_BYTES = 2 * 2**20
DRAWING_LIMIT_PIXELS = 16_000_000
"""How large the PNG of a drawing may be."""

BINARY_KINDS: tuple[type[Kind], ...] = (Image, File)
"""Kinds whose value is bytes: a multipart part, base64 text in JSON, or a reference to a stored file."""


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One named input or training parameter. `default` is in JSON terms and counts when not `required`."""

    name: str
    kind: AnyKind
    required: bool = True
    nullable: bool = False
    default: Any = None
