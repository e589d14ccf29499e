"""JSON Schema 2020-12 of inputs, outputs and training parameters: it allows exactly what the codec accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
from frontdesk.declare.output_kinds import (
    ClassificationOut,
    ImageOut,
    JsonOut,
    Output,
    OutputKind,
    TableOut,
    TextOut,
    ValueOut,
)
from frontdesk.declare.wire import BASE64, DATA_URL_HEAD, FILE_ID_LIMIT, base64_length

Json = dict[str, Any]


def inputs_schema(fields: Iterable[Field]) -> Json:
    """The schema of `inputs`."""
    fields = tuple(fields)
    return _object(
        {field.name: _field(field) for field in fields}, [field.name for field in fields if field.required]
    )


def parameters_schema(fields: Iterable[Field]) -> Json:
    """The schema of a model's training parameters."""
    return inputs_schema(fields)


def outputs_schema(outputs: Iterable[Output]) -> Json:
    """The schema of `outputs`."""
    properties = {
        output.name: {**_titled(output.title, ""), **_OUTPUTS[type(output.kind)](output.kind)}
        for output in outputs
    }
    return _object(properties, list(properties))


def _object(properties: Json, required: list[str]) -> Json:
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def _titled(title: str, text: str) -> Json:
    return {**({"title": title} if title else {}), **({"description": text} if text else {})}


def _field(field: Field) -> Json:
    schema = _KINDS[type(field.kind)](field.kind)
    if field.nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    schema = {**_titled(field.kind.title, field.kind.help), **schema}
    return schema if field.required else {**schema, "default": field.default}


def _column(kind: AnyKind) -> Json:
    return {**_titled(kind.title, kind.help), **_KINDS[type(kind)](kind)}


def _given(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def _number(kind: Number) -> Json:
    return {
        "type": "number",
        "format": "double",
        **_given(
            minimum=kind.ge,
            maximum=kind.le,
            exclusiveMinimum=kind.gt,
            exclusiveMaximum=kind.lt,
        ),
        **_unit(kind.unit),
    }


def _unit(unit: str) -> Json:
    return {"x-unit": unit} if unit else {}


def _integer(kind: Integer) -> Json:
    return {
        "type": "integer",
        "format": "int64",
        "minimum": INTEGER_LEAST if kind.ge is None else kind.ge,
        "maximum": INTEGER_MOST if kind.le is None else kind.le,
        **_unit(kind.unit),
    }


def _text(kind: Text) -> Json:
    pattern = None if kind.pattern is None else whole(kind.pattern)
    return {
        "type": "string",
        **_given(minLength=kind.min_length or None, maxLength=kind.max_length, pattern=pattern),
    }


def whole(pattern: str) -> str:
    """The pattern held to the whole text; in Python, Perl and PHP `$` alone would let a line break follow."""
    return rf"^(?:{pattern})$(?!\n)"


def _content(least: int, most: int, media_type: str) -> Json:
    schema: Json = {
        "type": "string",
        "contentEncoding": "base64",
        "contentMediaType": media_type,
        "minLength": base64_length(least),
        "maxLength": base64_length(most),
        "pattern": whole(rf"(?:{DATA_URL_HEAD})?{BASE64}"),
        "x-max-bytes": most,
    }
    if least:
        # The text after the head of a data: URL must not be empty either.
        schema["pattern"] = whole(rf"(?:{DATA_URL_HEAD})?(?=.){BASE64}")
    if most % 3:
        # The longest text allowed stands for too many bytes unless it ends in as many `=`.
        schema["anyOf"] = [
            {"maxLength": base64_length(most) - 1}, {"pattern": "=" * (3 - most % 3) + "$"}, {"pattern": "^data:"},
        ]  # fmt: skip
    return schema


def _file(kind: Image | File) -> Json:
    least, media_type = (1, "image/*") if isinstance(kind, Image) else (0, "application/octet-stream")
    uploaded = {"type": "string", "minLength": 1, "maxLength": FILE_ID_LIMIT}
    accept = list(getattr(kind, "accept", ())) or None
    return {
        "anyOf": [_content(least, kind.max_bytes, media_type), _object({"file": uploaded}, ["file"])],
        **_given(**{"x-accept": accept}),
    }


def _drawing(kind: Drawing) -> Json:
    ink = {"type": "number", "minimum": 0, "maximum": 255}
    return {
        "anyOf": [
            _content(1, DRAWING_LIMIT_BYTES, "image/png"),
            _list(_list(ink, kind.width, kind.width), kind.height, kind.height),
            _list(ink, kind.width * kind.height, kind.width * kind.height),
        ]
    }


def _list(items: Json, least: int, most: int) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _table(kind: Table) -> Json:
    text = {"type": "string", "maxLength": CELL_TEXT_LIMIT}
    row: Json = {
        "type": "object",
        "propertyNames": {"maxLength": CELL_TEXT_LIMIT},
        "additionalProperties": {
            "anyOf": [{"type": "number", "format": "double"}, text, {"type": "boolean"}, {"type": "null"}]
        },
    }
    if kind.columns:
        row = _object({name: _column(column) for name, column in kind.columns.items()}, list(kind.columns))
    return _list(row, 1, kind.max_rows)


def _series(kind: Series) -> Json:
    number = _number(Number(ge=kind.ge, le=kind.le, unit=kind.unit))
    return _list(number, kind.min_length, kind.max_length)


_KINDS: Mapping[type[Kind], Callable[[Any], Json]] = {
    Number: _number,
    Integer: _integer,
    Boolean: lambda kind: {"type": "boolean"},
    Choice: lambda kind: {"type": "string", "enum": list(kind.options)},
    Text: _text,
    Image: _file,
    Drawing: _drawing,
    File: _file,
    Table: _table,
    Series: _series,
}


_INTERVAL = _object({end: {"type": "number"} for end in ("low", "high", "level")}, ["low", "high", "level"])


def _classification(kind: ClassificationOut) -> Json:
    members = {
        "label": {"type": "string"},
        "score": {"type": "number"},
        "interval": _INTERVAL,
        "samples": {"type": "array", "items": {"type": "number"}},
    }
    score = _object(members, ["label", "score"])
    scores = {"type": "array", "items": score, "minItems": 1, "description": "Best first."}
    return {**_object({"label": {"type": "string"}, "scores": scores}, ["label", "scores"])}


def _value(kind: ValueOut) -> Json:
    members = {
        "value": {"type": "number"},
        "unit": {"type": "string"},
        "interval": _INTERVAL,
        "samples": {"type": "array", "items": {"type": "number"}},
    }
    return {**_object(members, ["value"]), **_unit(kind.unit)}


def _image(kind: ImageOut) -> Json:
    content = {"type": "string", "contentEncoding": "base64"}
    return _object({"media_type": {"type": "string"}, "base64": content}, ["media_type", "base64"])


def _table_out(kind: TableOut) -> Json:
    columns = {"type": "array", "items": {"type": "string"}}
    return _object(
        {"columns": columns, "rows": {"type": "array", "items": {"type": "array"}}}, ["columns", "rows"]
    )


_OUTPUTS: Mapping[type[OutputKind], Callable[[Any], Json]] = {
    ClassificationOut: _classification,
    ValueOut: _value,
    TextOut: lambda kind: {"type": "string"},
    ImageOut: _image,
    TableOut: _table_out,
    JsonOut: lambda kind: {},
}
