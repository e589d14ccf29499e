"""Fields of every kind, and JSON that nearly fits them, for property tests."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import msgspec
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema

from frontdesk.declare.kinds import (
    AnyKind,
    Boolean,
    Choice,
    Drawing,
    Field,
    File,
    Image,
    Integer,
    Number,
    Series,
    Table,
    Text,
)

PATTERNS = (None, "[a-z]+", r"[0-9]{2,4}", "a|bc", "(?i:x)y*", r"[A-Z]{3}-\d")
EDGES = (
    -1e308,
    -255.5,
    -10,
    -1,
    -0.0,
    0,
    0.5,
    1,
    1.0,
    2,
    3,
    9.999,
    10,
    10.0,
    11,
    255,
    255.0,
    256,
    2**53,
    1e18,
    1e308,
)
WHOLE_EDGES = (-(2**63) - 1, -(2**63), -10, -1, 0, 1, 2, 10, 2**53, 2**63 - 1, 2**63, 2**64, 10**30, 10**400)

limits = st.none() | st.integers(-10, 10).map(float) | st.floats(-100, 100, allow_subnormal=False)


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    low, high = sorted((draw(st.floats(-100, 100)), draw(st.floats(-100, 100))))
    below = draw(st.sampled_from(["ge", "gt", None]))
    above = draw(st.sampled_from(["le", "lt", None]))
    ends = {name: end for name, end in ((below, low), (above, high + 1.0)) if name}
    return Number(unit=draw(st.sampled_from(["", "cm"])), **ends)


@st.composite
def integers(draw: st.DrawFn) -> Integer:
    low, high = sorted((draw(st.integers(-(2**63), 2**63 - 1)), draw(st.integers(-20, 20))))
    return Integer(ge=draw(st.sampled_from([None, low])), le=draw(st.sampled_from([None, high])))


names = st.text('abcä /~"\\.', min_size=1, max_size=4)
choices = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4, unique=True).map(
    lambda options: Choice(options=tuple(options))
)


@st.composite
def texts(draw: st.DrawFn) -> Text:
    pattern = draw(st.sampled_from(PATTERNS))
    least = 0 if pattern else draw(st.integers(0, 3))
    return Text(min_length=least, max_length=least + draw(st.integers(2, 8)), pattern=pattern)


cells = numbers() | integers() | st.just(Boolean()) | choices | texts()
kinds: dict[type, st.SearchStrategy[AnyKind]] = {
    Number: numbers(),
    Integer: integers(),
    Boolean: st.just(Boolean()),
    Choice: choices,
    Text: texts(),
    Image: st.builds(Image, max_bytes=st.integers(1, 8)),
    Drawing: st.builds(Drawing, width=st.integers(1, 3), height=st.integers(1, 3)),
    File: st.builds(File, max_bytes=st.integers(1, 60)),
    Table: st.builds(Table, columns=st.dictionaries(names, cells, max_size=3), max_rows=st.integers(1, 3)),
    Series: st.builds(
        Series,
        min_length=st.integers(0, 2),
        max_length=st.integers(2, 5),
        ge=st.sampled_from([None, -1.0]),
        le=st.sampled_from([None, 10.0]),
    ),
}


def required_fields(kind: st.SearchStrategy[AnyKind]) -> st.SearchStrategy[Field]:
    """Fields called x that have to be given."""
    return st.builds(Field, name=st.just("x"), kind=kind, nullable=st.booleans())


@st.composite
def several_fields(draw: st.DrawFn) -> tuple[Field, ...]:
    """A few fields, some optional."""
    chosen = draw(st.lists(st.one_of(*kinds.values()), max_size=4))
    return tuple(
        Field(name=f"f{place}", kind=kind, required=False, nullable=True, default=None)
        if draw(st.booleans())
        else Field(name=f"f{place}", kind=kind)
        for place, kind in enumerate(chosen)
    )


# ------------------------------------------------------------------------- JSON for them

base64_texts = st.binary(max_size=70).map(lambda content: base64.b64encode(content).decode())
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(EDGES),
    st.sampled_from(WHOLE_EDGES),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**66), 2**66),
    st.text(max_size=10),
    st.sampled_from(
        ["abc", "a", "bc", "bc\n", "XYY", "xyy", "1234", "12345", "ABC-1", "ABC-1\n", "12", "\x00"]
    ),
    base64_texts,
    base64_texts.map(lambda text: "data:image/png;base64," + text),
    st.sampled_from(
        ["YQ", "YQ==\n", "YR==", "YWJj====", "====", "Y Q==", "data:;base64,", "data:,abc", "_-=="]
    ),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names | st.just("file"), inner, max_size=3),
    max_leaves=8,
)


def near(kind: AnyKind) -> st.SearchStrategy[Any]:
    """JSON that has a fair chance to fit the kind, and as fair a chance to miss it."""
    match kind:
        case Choice(options=options):
            return st.sampled_from(options) | anything
        case Drawing(width=width, height=height):
            ink = st.sampled_from([0, 1.5, 255, 255.0, 256, -1, True, None])
            row = st.lists(ink, min_size=width, max_size=width)
            return st.one_of(
                st.lists(row, min_size=height, max_size=height),
                st.lists(ink, min_size=width * height, max_size=width * height),
                st.lists(row | ink, min_size=height, max_size=height),
                anything,
            )
        case Table(columns=columns) if columns:
            row = st.fixed_dictionaries({name: near(column) for name, column in columns.items()})
            return st.lists(row | anything, max_size=4) | anything
        case Table():
            return st.lists(st.dictionaries(names, scalars, max_size=3), max_size=4) | anything
        case Series():
            return st.lists(st.sampled_from(EDGES) | scalars, max_size=6) | anything
        case Image() | File():
            reference = st.fixed_dictionaries({"file": st.text(max_size=70)})
            return base64_texts | reference | anything
        case Number() | Integer():
            ends = [limit for limit in (kind.ge, kind.le) if limit is not None]
            return (st.sampled_from(ends) | anything) if ends else anything
    return anything


def allowed(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """JSON the schema allows. hypothesis-jsonschema makes the values; objects it makes with parts of hypothesis that
    are no longer there, so those are put together here."""
    if "anyOf" in schema and "type" not in schema:
        return st.one_of(*map(allowed, schema["anyOf"]))
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            required = {name: allowed(properties[name]) for name in schema.get("required", [])}
            optional = {name: allowed(part) for name, part in properties.items() if name not in required}
            if schema["additionalProperties"] is False:
                return st.fixed_dictionaries(required, optional=optional)
            return st.dictionaries(st.text(max_size=5), allowed(schema["additionalProperties"]), max_size=4)
        case "array":
            return st.lists(
                allowed(schema["items"]), min_size=schema["minItems"], max_size=min(schema["maxItems"], 12)
            )
        case "string" if "anyOf" in schema:
            without = {name: part for name, part in schema.items() if name != "anyOf"}
            return from_schema(without).filter(jsonschema.Draft202012Validator(schema).is_valid)
    return from_schema(schema)


def as_json(value: object) -> bytes:
    """The value as JSON text, huge integers included."""
    return json.dumps(value, ensure_ascii=False).encode()


def replaced(field: Field, **changes: Any) -> Field:
    """The field with changes."""
    return msgspec.structs.replace(field, **changes)
