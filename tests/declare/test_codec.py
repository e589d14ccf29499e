"""What the codec accepts, refuses, and says about it."""

from __future__ import annotations

import base64
import timeit
from typing import Any

import pytest
from hypothesis import given

from frontdesk.declare.codec import FileRef, InputCodec, check_depth
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
from frontdesk.errors import InvalidInput, MalformedBody
from support.fields import anything, as_json

LENGTH = Field(name="length", kind=Number(ge=0, le=10, unit="cm"))
NOTE = Field(name="note", kind=Text(max_length=5), required=False, default="none")


def codec_of(kind: AnyKind, **options: Any) -> InputCodec:
    return InputCodec((Field(name="x", kind=kind, **options),))


def decoded(kind: AnyKind, value: object, **options: Any) -> Any:
    codec = codec_of(kind, **options)
    return codec.as_dict(codec.decode_request(as_json({"inputs": {"x": value}})).inputs)["x"]


def complaint(kind: AnyKind, value: object, **options: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        decoded(kind, value, **options)
    return {fault.pointer.removeprefix("/inputs"): fault.detail for fault in refusal.value.faults}


# ------------------------------------------------------------------------------ requests


def test_it_decodes_a_request() -> None:
    request = InputCodec((LENGTH, NOTE)).decode_request(b'{"inputs":{"length":5},"model":"mlp","version":2}')
    assert (request.model, request.version) == ("mlp", 2)
    assert InputCodec((LENGTH, NOTE)).as_dict(request.inputs) == {"length": 5.0, "note": "none"}


def test_inputs_may_stay_out_where_all_have_defaults() -> None:
    codec = InputCodec((NOTE,))
    assert codec.as_dict(codec.decode_request(b"{}").inputs) == {"note": "none"}
    assert codec.as_dict(InputCodec(()).decode_request(b'{"inputs":{}}').inputs) == {}


def test_it_finds_every_fault_at_once() -> None:
    raw = b'{"inputs":{"length":11,"note":"too long","a/b~c":1},"modell":"x","version":0,"model":1}'
    with pytest.raises(InvalidInput) as refusal:
        InputCodec((LENGTH, NOTE)).decode_request(raw)
    assert [(fault.pointer, fault.detail) for fault in refusal.value.faults] == [
        ("/inputs/length", "Must be at most 10 cm."),
        ("/inputs/note", "Must have at most 5 characters."),
        ("/inputs/a~1b~0c", "There is no field of that name."),
        ("/model", "Must be the name of a model."),
        ("/version", "Must be at least 1."),
        ("/modell", "There is no field of that name."),
    ]


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [(b"[1]", ""), (b"{}", "/inputs"), (b'{"inputs":[1]}', "/inputs"), (b'{"inputs":{}}', "/inputs/length")],
)
def test_it_points_at_what_is_missing(raw: bytes, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        InputCodec((LENGTH,)).decode_request(raw)
    assert [fault.pointer for fault in refusal.value.faults] == [pointer]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"inputs":{"length":NaN}}',
        b'{"inputs":{"length":Infinity}}',
        b'{"inputs":{"length":-Infinity}}',
        b'{"inputs":{"length":01}}',
        b"\xef\xbb\xbf{}",
        b'{"inputs":{"length":"\xff"}}',
        '{"inputs":{}}'.encode("utf-16"),
        b"{'inputs':{}}",
        b'{"inputs":{"length":1},}',
    ],
)
def test_what_is_no_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedBody, match="not JSON"):
        InputCodec((LENGTH,)).decode_request(raw)
    with pytest.raises((MalformedBody, InvalidInput)):
        InputCodec((LENGTH,)).decode_inputs(raw)


def test_many_faults_do_not_make_a_large_answer() -> None:
    assert len(complaint(Series(), ["one"] * 10_000)) == 100


# --------------------------------------------------------------------------------- kinds


@pytest.mark.parametrize(
    ("kind", "value", "wire"),
    [
        (Number(), 3, 3.0),
        (Number(), -0.5, -0.5),
        (Number(), 10**30, 1e30),
        (Integer(), 3, 3),
        (Integer(), 3.0, 3),
        (Integer(), 1e3, 1000),
        (Integer(), -(2**63), -(2**63)),
        (Boolean(), True, True),
        (Choice(options=("a", "ä")), "ä", "ä"),
        (Text(max_length=1), "😀", "😀"),
        (Text(), "a\x00b", "a\x00b"),
        (Text(pattern="a+"), "aa", "aa"),
        (File(), "", b""),
        (File(), "YQ==", b"a"),
        (File(), "data:text/plain;charset=utf-8;base64,YWI=", b"ab"),
        (File(), {"file": "123"}, FileRef("123")),
        (Image(), "YQ==", b"a"),
        (Drawing(width=2, height=1), [[0, 255]], [[0.0, 255.0]]),
        (Drawing(width=2, height=1), [0, 255], [0.0, 255.0]),
        (Drawing(width=2, height=1), "YQ==", b"a"),
        (
            Table(),
            [{"a": 1, "b": "x", "c": None, "d": True, "e": 1.5}],
            [{"a": 1, "b": "x", "c": None, "d": True, "e": 1.5}],
        ),
        (Table(columns={"a b": Number(), "1": Text()}), [{"a b": 1, "1": "x"}], [{"a b": 1.0, "1": "x"}]),
        (Table(columns={'5" disk': Integer()}), [{'5" disk': 1.0}], [{'5" disk': 1}]),
        (Series(), [1, 2.5], [1.0, 2.5]),
    ],
)
def test_it_decodes_every_kind(kind: AnyKind, value: object, wire: object) -> None:
    found = decoded(kind, value)
    assert found == wire
    assert type(found) is type(wire)
    assert decoded(kind, None, nullable=True) is None
    assert decoded(kind, value, nullable=True) == wire


@pytest.mark.parametrize(
    ("kind", "value", "faults"),
    [
        (Number(), True, {"/x": "Must be a number."}),
        (Number(), "3", {"/x": "Must be a number."}),
        (Number(), None, {"/x": "Must be a number."}),
        (Number(), 10**400, {"/x": "Must be a number a computer can hold, up to about 1.8e308."}),
        (Number(ge=0, unit="kg"), -1, {"/x": "Must be at least 0 kg."}),
        (Number(gt=0, unit="kg"), 0, {"/x": "Must be more than 0 kg."}),
        (Number(lt=2.5), 2.5, {"/x": "Must be less than 2.5."}),
        (Number(le=1e20), 2e20, {"/x": "Must be at most 1e+20."}),
        (Integer(), 1.5, {"/x": "Must be a whole number."}),
        (Integer(), False, {"/x": "Must be a whole number."}),
        (Integer(), 2**63, {"/x": "Must be at most 9223372036854775807."}),
        (Integer(ge=1, unit="layers"), 0, {"/x": "Must be at least 1 layers."}),
        (Boolean(), 1, {"/x": "Must be true or false."}),
        (Choice(options=("a", "b")), "c", {"/x": "Must be one of “a”, “b”."}),
        (Text(min_length=1), "", {"/x": "Must have at least 1 character."}),
        (Text(max_length=2000), "a" * 2001, {"/x": "Must have at most 2,000 characters."}),
        (Text(pattern="a+"), "aa\n", {"/x": "Must have the form a+."}),
        (Text(), 1, {"/x": "Must be text."}),
        (Image(), "", {"/x": "Must not be empty."}),
        (
            Image(max_bytes=2**20),
            base64.b64encode(b"x" * (2**20 + 1)).decode(),
            {"/x": "Must be at most 1 MiB."},
        ),
        (File(), "YQ", {"/x": "Must be base64 text, a data: URL or an uploaded file."}),
        (File(), "YQ=\n=", {"/x": "Must be base64 text, a data: URL or an uploaded file."}),
        (
            File(),
            {"file": "", "name": "x"},
            {"/x/file": "Must be the id of an uploaded file.", "/x/name": "There is no field of that name."},
        ),
        (File(), {}, {"/x/file": "Must be given."}),
        (Drawing(width=2, height=1), [[1]], {"/x/0": "Must have 2 numbers."}),
        (Drawing(width=2, height=1), [1], {"/x": "Must be 1 row of 2 numbers, or all of them in one list."}),
        (Drawing(width=2, height=1), [[1, 256]], {"/x/0/1": "Must be at most 255."}),
        (Table(), [], {"/x": "Must have at least 1 row."}),
        (Table(max_rows=1), [{}, {}], {"/x": "Must have at most 1 row."}),
        (Table(), [{"a": []}], {"/x/0/a": "Must be a number, text, true, false or null."}),
        (
            Table(columns={"a": Number(le=1, unit="m"), "b": Text()}),
            [{"a": 2, "c": 1}],
            {
                "/x/0/a": "Must be at most 1 m.",
                "/x/0/b": "Must be given.",
                "/x/0/c": "There is no field of that name.",
            },
        ),
        (Series(ge=0, unit="V"), [1, -1], {"/x/1": "Must be at least 0 V."}),
        (Series(min_length=2), [1], {"/x": "Must have at least 2 numbers."}),
        (Series(max_length=2), [1, 2, 3], {"/x": "Must have at most 2 numbers."}),
        (Series(), "1,2", {"/x": "Must be a list of numbers."}),
    ],
)
def test_it_says_in_plain_words_what_is_wrong(kind: AnyKind, value: object, faults: dict[str, str]) -> None:
    assert complaint(kind, value) == faults


def test_a_number_too_large_to_parse_is_refused_quickly() -> None:
    raw = b'{"inputs":{"x":' + b"9" * 2_000_000 + b"}}"
    with pytest.raises(InvalidInput):
        codec_of(Integer()).decode_request(raw)
    with pytest.raises(InvalidInput):
        codec_of(Integer()).decode_form({"x": "9" * 2_000_000})


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        codec_of(Text()).decode_request(b'{"inputs":{"x":"\\ud800"}}')
    assert refusal.value.faults[0].pointer == "/inputs/x"


def test_defaults_are_not_shared_between_requests() -> None:
    codec = codec_of(Series(), required=False, default=[1.0])
    first = codec.as_dict(codec.decode_request(b"{}").inputs)
    first["x"].append(2.0)
    assert codec.as_dict(codec.decode_request(b"{}").inputs) == {"x": [1.0]}


# --------------------------------------------------------------------------------- depth


@pytest.mark.parametrize(
    ("raw", "is_fine"),
    [
        (b"[[1]]", True),
        (b"[[[1]]]", False),
        (b'{"a":{"b":[]}}', False),
        (b'["[[[[[[", "{{{{\\"{{{{"]', True),
        (b"[[],[],[],[],[]]", True),
        (b"[" * 100_000, False),
        (b'["[[[', True),
        (b'["[[[\\', True),
        (b"[[]]" * 20 + b'"' + b'\\"' * 2_000_000, True),
        (b"", True),
    ],
)
def test_it_counts_how_deep_json_is(raw: bytes, is_fine: bool) -> None:
    if is_fine:
        check_depth(raw, 2)
        return
    with pytest.raises(InvalidInput, match="2 levels"):
        check_depth(raw, 2)


@given(anything)
def test_it_counts_as_a_parser_would(value: object) -> None:
    def depth(value: object) -> int:
        members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if members is None else 1 + max(map(depth, members), default=0)

    deep = depth(value)
    check_depth(as_json(value), deep)
    if deep:
        with pytest.raises(InvalidInput):
            check_depth(as_json(value), deep - 1)


def test_deep_nesting_is_no_crash_even_where_nobody_counted() -> None:
    raw = b'{"inputs":{"x":' + b"[" * 200_000
    for kind in (Number(), Table(), Series(), Drawing()):
        with pytest.raises((InvalidInput, MalformedBody)):
            codec_of(kind).decode_request(raw)


# --------------------------------------------------------------------------------- speed


def test_a_good_request_costs_one_decode() -> None:
    fields = tuple(Field(name=name, kind=Number(ge=0, le=10)) for name in ("a", "b", "c", "d"))
    decode = InputCodec(fields).decode_request
    raw = b'{"inputs":{"a":5.1,"b":3.5,"c":1.4,"d":0.2}}'
    seconds = min(timeit.repeat(lambda: decode(raw), number=2000, repeat=5)) / 2000
    assert seconds < 3e-6
