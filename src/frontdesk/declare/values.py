"""From wire form to what `predict` receives. Runs in the host, beside the model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from frontdesk.declare.faults import Faults, UnreadablePicture, below
from frontdesk.declare.kinds import (
    DRAWING_LIMIT_PIXELS,
    Choice,
    Drawing,
    Field,
    File,
    Image,
    Kind,
    Number,
    Series,
    Table,
)


def to_python(
    fields: tuple[Field, ...], wire: Mapping[str, Any], pixel_limit: int | None = None
) -> dict[str, Any]:
    """The arguments of `predict`. A picture that cannot be read is an InvalidInput that names its field.

    `pixel_limit` is the installation's own, which no field can exceed.
    """
    arguments: dict[str, Any] = {}
    faults = Faults()
    for field in fields:
        value = wire.get(field.name, field.default)
        convert = _CONVERT.get(type(field.kind))
        if convert is not None and value is not None:
            try:
                value = convert(field.kind, value, pixel_limit)
            except UnreadablePicture as refusal:
                faults.add(below("/inputs", field.name), str(refusal))
        arguments[field.name] = value
    faults.raise_any()
    return arguments


def columns_to_python(
    fields: tuple[Field, ...], columns: Mapping[str, list[Any]], rows: int
) -> dict[str, list[Any]]:
    """The arguments of `predict_batch`: a list of `rows` values for each field."""
    arguments: dict[str, list[Any]] = {}
    for field in fields:
        values = columns.get(field.name)
        if values is None:
            values = [field.default] * rows
        convert = None if isinstance(field.kind, Number) else _CONVERT.get(type(field.kind))
        if convert is not None:
            values = [value if value is None else convert(field.kind, value, None) for value in values]
        arguments[field.name] = values
    return arguments


def _number(kind: Number, value: float, pixel_limit: int | None) -> float:
    return float(value)


def _choice(kind: Choice, value: str, pixel_limit: int | None) -> Any:
    return _enum(kind.enum)(value) if kind.enum else value


def _enum(place: str) -> Callable[[str], Any]:
    module, _, qualified_name = place.partition(":")
    found: Any = sys.modules[module]
    for name in qualified_name.split("."):
        found = getattr(found, name)
    return found  # type: ignore[no-any-return]


def _image(kind: Image, value: bytes, pixel_limit: int | None) -> Any:
    from frontdesk.declare.pictures import open_picture  # Pillow is heavy, and most tasks have no pictures

    return open_picture(value, min(kind.max_pixels, pixel_limit or kind.max_pixels), kind.mode)


def _drawing(kind: Drawing, value: bytes | list[Any], pixel_limit: int | None) -> Any:
    import numpy as np  # heavy too

    if not isinstance(value, bytes):
        ink = np.asarray(value, dtype=np.float64).reshape(kind.height, kind.width)
        return np.rint(ink).astype(np.uint8)

    from PIL import Image as Pictures

    from frontdesk.declare.pictures import open_picture

    limit = min(DRAWING_LIMIT_PIXELS, pixel_limit or DRAWING_LIMIT_PIXELS)
    picture = open_picture(value, limit, "L", paper="black")
    if picture.size != (kind.width, kind.height):
        picture = picture.resize((kind.width, kind.height), Pictures.Resampling.BOX)
    return np.array(picture, dtype=np.uint8)


def _file(kind: File, value: bytes, pixel_limit: int | None) -> bytes:
    return bytes(value)


def _table(kind: Table, value: list[dict[str, Any]], pixel_limit: int | None) -> list[dict[str, Any]]:
    numbers = [name for name, column in kind.columns.items() if isinstance(column, Number)]
    return [{**row, **{name: float(row[name]) for name in numbers}} for row in value]


def _series(kind: Series, value: list[float], pixel_limit: int | None) -> list[float]:
    return [float(number) for number in value]


_CONVERT: dict[type[Kind], Callable[[Any, Any, int | None], Any]] = {
    Number: _number,
    Choice: _choice,
    Image: _image,
    Drawing: _drawing,
    File: _file,
    Table: _table,
    Series: _series,
}
