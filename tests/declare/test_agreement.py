"""The schema says exactly what the codec accepts, for every kind, and the short way through the codec agrees
with the long one."""

from __future__ import annotations

import json
import math
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frontdesk.declare.checking import check_inputs
from frontdesk.declare.codec import InputCodec
from frontdesk.declare.faults import Faults
from frontdesk.declare.kinds import Field
from frontdesk.declare.schema import inputs_schema
from frontdesk.errors import InvalidInput
from support.fields import allowed, as_json, kinds, near, required_fields, several_fields

quick = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def accepts(codec: InputCodec, inputs: object) -> bool:
    try:
        codec.decode_request(as_json({"inputs": inputs}))
    except InvalidInput:
        return False
    return True


formats = jsonschema.FormatChecker(formats=())


@formats.checks("double", raises=OverflowError)
def is_double(instance: object) -> bool:
    """As the OpenAPI registry of formats has it: a double precision floating point number."""
    return not isinstance(instance, int | float) or math.isfinite(float(instance))


def is_valid(fields: tuple[Field, ...], inputs: object) -> bool:
    # As a validator elsewhere sees it: read from JSON text, numbers as floating point.
    schema = json.loads(as_json(inputs_schema(fields)))
    return bool(jsonschema.Draft202012Validator(schema, format_checker=formats).is_valid(inputs))


@pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)
@quick
@given(data=st.data())
def test_the_codec_accepts_what_the_schema_allows(kind: type, data: st.DataObject) -> None:
    field = data.draw(required_fields(kinds[kind]))
    inputs = data.draw(allowed(inputs_schema([field])))
    assert accepts(InputCodec((field,)), inputs)


@pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)
@quick
@given(data=st.data())
def test_the_codec_refuses_exactly_what_the_schema_does(kind: type, data: st.DataObject) -> None:
    field = data.draw(required_fields(kinds[kind]))
    inputs = {"x": data.draw(near(field.kind))}
    assert accepts(InputCodec((field,)), inputs) == is_valid((field,), inputs)


@quick
@given(data=st.data(), fields=several_fields())
def test_missing_and_unknown_fields_are_as_in_the_schema(
    data: st.DataObject, fields: tuple[Field, ...]
) -> None:
    inputs = {field.name: data.draw(near(field.kind)) for field in fields if data.draw(st.booleans())}
    if data.draw(st.integers(0, 3)) == 0:
        inputs["surprise"] = 1
    assert accepts(InputCodec(fields), inputs) == is_valid(fields, inputs)


@pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)
@quick
@given(data=st.data())
def test_the_long_way_finds_no_fault_where_the_short_way_finds_none(kind: type, data: st.DataObject) -> None:
    field = data.draw(required_fields(kinds[kind]))
    inputs = {"x": data.draw(near(field.kind))}
    faults = Faults()
    wire = check_inputs((field,), inputs, faults)
    codec = InputCodec((field,))
    assert accepts(codec, inputs) == (not faults.found)
    if not faults.found:
        request = codec.decode_request(as_json({"inputs": inputs}))
        assert codec.as_dict(request.inputs) == wire
        assert codec.decode_inputs(as_json(inputs)) == wire
        assert list(map(type, wire.values())) == list(map(type, codec.as_dict(request.inputs).values()))


@quick
@given(fields=several_fields())
def test_schemas_are_valid_themselves(fields: tuple[Field, ...]) -> None:
    schema: dict[str, Any] = json.loads(as_json(inputs_schema(fields)))
    jsonschema.Draft202012Validator.check_schema(schema)
