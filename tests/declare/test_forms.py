"""Text from forms and multipart bodies."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.declare.codec import FileRef, InputCodec
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
from frontdesk.errors import InvalidInput


def filled_in(kind: AnyKind, part: str | bytes, **options: Any) -> Any:
    return InputCodec((Field(name="x", kind=kind, **options),)).decode_form({"x": part})["x"]


@pytest.mark.parametrize(
    ("kind", "part", "wire"),
    [
        (Number(), " 3.5 ", 3.5),
        (Number(), ".5", 0.5),
        (Number(), "1e3", 1000.0),
        (Number(), b"2", 2.0),
        (Integer(), "007", 7),
        (Integer(), "7.0", 7),
        (Integer(), "-7", -7),
        (Boolean(), "on", True),
        (Boolean(), "FALSE", False),
        (Boolean(), "0", False),
        (Choice(options=("a b",)), "a b", "a b"),
        (Text(), "", ""),
        (Text(), "one\r\ntwo", "one\ntwo"),
        (Text(), "  kept ", "  kept "),
        (Image(), b"\x89PNG", b"\x89PNG"),
        (Image(), "data:image/png;base64,YQ==", b"a"),
        (File(), '{"file": "17"}', FileRef("17")),
        (File(), b'{"file": "17"}', b'{"file": "17"}'),
        (Drawing(width=2, height=2), "0 0,255 255", [0.0, 0.0, 255.0, 255.0]),
        (Drawing(width=1, height=2), "[[0],[1]]", [[0.0], [1.0]]),
        (Drawing(), b"\x89PNG", b"\x89PNG"),
        (Series(), "1, 2;3\n4", [1.0, 2.0, 3.0, 4.0]),
        (Series(), "[1, 2]", [1.0, 2.0]),
        (Table(), '[{"a": 1}]', [{"a": 1}]),
    ],
)
def test_it_reads_what_was_filled_in(kind: AnyKind, part: str | bytes, wire: object) -> None:
    assert filled_in(kind, part) == wire


@pytest.mark.parametrize(
    ("kind", "part", "detail"),
    [
        (Number(), "nan", "Must be a number."),
        (Number(), "1_000", "Must be a number."),
        (Number(), "٣", "Must be a number."),
        (Number(), "3,5", "Must be a number."),
        (Number(), b"\xff", "Must be a number."),
        (Number(le=10, unit="cm"), "11", "Must be at most 10 cm."),
        (Integer(), "1.5", "Must be a whole number."),
        (Boolean(), "perhaps", "Must be true or false."),
        (Text(), b"\xff", "Must be text."),
        (Number(), "", "Must be given."),
        (Image(), b"", "Must be given."),
        (Text(min_length=1), "", "Must be given."),
        (Series(), "1 two 3", "Must be a list of numbers."),
        (Series(), "[NaN]", "Must be a number."),
        (Series(), "[" * 100_000, "Must be a list of numbers."),
        (Table(), "[{", "Must be a list of rows."),
    ],
)
def test_it_refuses_what_makes_no_sense(kind: AnyKind, part: str | bytes, detail: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        filled_in(kind, part)
    assert [fault.detail for fault in refusal.value.faults] == [detail]


def test_what_is_left_empty_has_its_default() -> None:
    assert filled_in(Number(), "", required=False, default=5.0) == 5.0
    assert filled_in(Number(), "", required=False, default=5.0, nullable=True) is None
    assert filled_in(Text(), "", nullable=True) is None
    assert filled_in(Text(min_length=1), "", required=False, default="a") == "a"


def test_an_emptied_box_of_text_is_empty() -> None:
    assert filled_in(Text(), "", required=False, default="something") == ""


def test_what_is_missing_has_its_default_and_what_is_unknown_is_refused() -> None:
    codec = InputCodec((Field(name="x", kind=Number(), required=False, default=1.0),))
    assert codec.decode_form({}) == {"x": 1.0}
    with pytest.raises(InvalidInput) as refusal:
        codec.decode_form({"y": "1"})
    assert refusal.value.faults[0].pointer == "/inputs/y"


@given(st.text() | st.binary())
def test_nothing_typed_into_any_box_is_more_than_a_refusal(part: str | bytes) -> None:
    for kind in (
        Number(),
        Integer(),
        Boolean(),
        Choice(options=("a",)),
        Text(),
        File(),
        Drawing(),
        Table(),
        Series(),
    ):
        with contextlib.suppress(InvalidInput):
            filled_in(kind, part)
