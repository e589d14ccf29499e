"""From a signature to columns and cells."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.declare.columns import allowed, example, match, read_cell, takes_rows
from frontdesk.declare.kinds import Boolean, Choice, Field, File, Integer, Number, Series, Text
from frontdesk.declare.output_columns import output_columns
from frontdesk.declare.outputs import (
    Classification,
    ClassificationOut,
    Interval,
    Output,
    TextOut,
    Value,
    ValueOut,
)
from frontdesk.declare.signature import Signature
from frontdesk.errors import InvalidInput, PredictFailed

LENGTH = Field(name="sepal_length", kind=Number(ge=0, le=10, unit="cm"), required=True)
COLOUR = Field(name="colour", kind=Choice(options=("red", "green")), required=False, default="red")
FIELDS = (LENGTH, COLOUR)


@pytest.mark.parametrize(
    "name", ["sepal_length", "Sepal Length", "sepal-length (cm)", " SEPAL  LENGTH [cm] ", "sepal.length"]
)
def test_a_column_is_found_however_it_is_spelt(name: str) -> None:
    assert match(FIELDS, ["id", name]).places == {"sepal_length": 1}


def test_the_exact_name_beats_one_that_reads_alike() -> None:
    for header in (["Sepal length", "sepal_length"], ["sepal_length", "Sepal length"]):
        found = match(FIELDS, header)
        assert header[found.places["sepal_length"]] == "sepal_length"
        assert found.extra == ("Sepal length",)


def test_missing_extra_and_duplicated_columns_are_named() -> None:
    found = match(FIELDS, ["id", "colour", "id", "note"])
    assert (found.missing, found.extra, found.duplicated) == (("sepal_length",), ("note",), ("id",))
    assert not found.fits
    assert match(FIELDS, ["sepal_length"]).missing == ("colour",)
    assert match(FIELDS, ["sepal_length", "colour"]).fits


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (LENGTH, " 5.1 ", 5.1),
        (LENGTH, "1e0", 1.0),
        (COLOUR, "green", "green"),
        (Field(name="n", kind=Number(), required=False, nullable=True), " ", None),
        (Field(name="n", kind=Integer(), required=True), "12", 12),
        (Field(name="b", kind=Boolean(), required=True), "Yes", True),
        (Field(name="t", kind=Text(), required=True), "", ""),
        (Field(name="s", kind=Series(), required=True), "1, 2.5", [1, 2.5]),
    ],
)
def test_a_cell_is_read_as_its_kind_says(field: Field, text: str, value: object) -> None:
    assert read_cell(field, text) == value


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        (LENGTH, "", "empty"),
        (COLOUR, "", "empty"),
        (LENGTH, "eleven", "Must be a number"),
        (LENGTH, "11", "at most 10 cm"),
        (LENGTH, "nan", "Must be a number"),
        (LENGTH, "5,1", "Must be a number"),
        (COLOUR, "blue", "one of"),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_with_the_reason(field: Field, text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_cell(field, text)


@given(st.floats(0, 10))
def test_numbers_survive_being_written_down(number: float) -> None:
    assert read_cell(LENGTH, repr(number)) == number


@given(st.text())
def test_any_text_is_a_value_or_a_refusal(text: str) -> None:
    for field in FIELDS:
        with contextlib.suppress(InvalidInput):
            read_cell(field, text)


def test_examples_can_be_read_back() -> None:
    for kind in (Number(ge=2, le=3), Integer(ge=7), Boolean(), Choice(options=("a",)), Text(), Series()):
        field = Field(name="x", kind=kind, required=True)
        read_cell(field, example(field))
        assert allowed(field)


def test_files_have_no_place_in_a_cell() -> None:
    file = Field(name="f", kind=File(), required=True)
    outputs = (Output(kind=TextOut()),)
    assert takes_rows(Signature(inputs=FIELDS, outputs=outputs))
    assert not takes_rows(Signature(inputs=(*FIELDS, file), outputs=outputs))


# ------------------------------------------------------------------------------- answers

CLASSES, VALUES = (Output(kind=ClassificationOut()),), (Output(kind=ValueOut()),)


def test_a_classification_becomes_a_label_and_its_scores() -> None:
    answers = [Classification({"b": 0.7, "a": 0.3}), Classification({"b": 0.1, "a": 0.9})]
    assert output_columns(CLASSES, answers, 2) == {
        "prediction": ["b", "a"], "score_a": [0.3, 0.9], "score_b": [0.7, 0.1],
    }  # fmt: skip


def test_draws_become_intervals() -> None:
    columns = output_columns(
        CLASSES, [Classification(labels=["a", "b"], samples=[[0.2, 0.8], [0.4, 0.6]])], 1
    )
    assert list(columns) == [
        "prediction",
        "score_a",
        "score_a_low",
        "score_a_high",
        "score_b",
        "score_b_low",
        "score_b_high",
    ]
    assert columns["score_b_low"][0] < columns["score_b"][0] < columns["score_b_high"][0]


def test_of_a_thousand_labels_only_the_best_has_a_column() -> None:
    many = Classification(labels=[f"l{n}" for n in range(1000)], scores=[n / 1000 for n in range(1000)])
    assert output_columns(CLASSES, [many], 1) == {"prediction": ["l999"], "score": [0.999]}


def test_values_with_and_without_intervals() -> None:
    assert output_columns(VALUES, [1.0, 2.0], 2) == {"prediction": [1.0, 2.0]}
    mixed = output_columns(VALUES, [Value(1.0), Value(2.0, interval=Interval(1.5, 2.5))], 2)
    assert mixed == {"prediction": [1.0, 2.0], "prediction_low": [None, 1.5], "prediction_high": [None, 2.5]}


def test_named_outputs_have_columns_of_their_names() -> None:
    outputs = (Output(name="species", kind=ClassificationOut()), Output(name="area", kind=ValueOut()))
    answers = [{"species": Classification({"a": 1.0}), "area": 2.5}]
    assert output_columns(outputs, answers, 1) == {"species": ["a"], "species_score_a": [1.0], "area": [2.5]}


@pytest.mark.parametrize("answers", [[1.0], [math.nan, 1.0], ["x", 1.0]])
def test_answers_that_are_none_are_refused(answers: list[object]) -> None:
    with pytest.raises(PredictFailed):
        output_columns(VALUES, answers, 2)
