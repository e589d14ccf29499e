"""What authors return becomes JSON, or a clear error of the model; never something made up."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
from datetime import UTC, datetime
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from frontdesk.declare.outputs import (
    AnyOutput,
    Classification,
    ClassificationOut,
    ImageOut,
    Interval,
    JsonOut,
    Output,
    TableOut,
    TableValue,
    TextOut,
    Value,
    ValueOut,
    encode_outputs,
    split_rows,
)
from frontdesk.declare.schema import outputs_schema
from frontdesk.errors import PredictFailed

GROUP = (Output(name="species", kind=ClassificationOut()), Output(name="area", kind=ValueOut("cm²")))


@dataclasses.dataclass
class Both:
    species: Classification
    area: float


def answer(kind: AnyOutput, returned: object) -> Any:
    outputs = (Output(kind=kind),)
    document = json.loads(encode_outputs(outputs, returned))
    jsonschema.Draft202012Validator(outputs_schema(outputs)).validate(document)
    return document["answer"]


RANKED = {
    "label": "b",
    "scores": [{"label": "b", "score": 0.7}, {"label": "a", "score": 0.2}, {"label": "c", "score": 0.1}],
}


@pytest.mark.parametrize(
    "returned",
    [
        Classification({"a": 0.2, "b": 0.7, "c": 0.1}),
        Classification(labels=["a", "b", "c"], scores=[0.2, 0.7, 0.1]),
        Classification(labels=np.array(["a", "b", "c"]), scores=np.array([0.2, 0.7, 0.1])),  # type: ignore[arg-type]
        Classification({"a": np.float64(0.2), "b": np.float64(0.7), "c": 0.1}),
    ],
)
def test_a_classification_is_ranked(returned: Classification) -> None:
    assert answer(ClassificationOut(), returned) == RANKED


def test_labels_of_equal_score_keep_their_order() -> None:
    scores = answer(ClassificationOut(), Classification({"b": 0.5, "a": 0.5}))["scores"]
    assert [score["label"] for score in scores] == ["b", "a"]


def test_draws_give_means_and_their_spread() -> None:
    draws = np.random.default_rng(1).dirichlet([5, 2, 1], size=37)
    scores = answer(ClassificationOut(), Classification(labels=["a", "b", "c"], samples=draws))["scores"]
    assert [score["label"] for score in scores] == ["a", "b", "c"]
    for score, column in zip(scores, draws.T, strict=True):
        assert score["score"] == pytest.approx(column.mean())
        assert score["interval"] == {
            "low": pytest.approx(np.quantile(column, 0.05)),
            "high": pytest.approx(np.quantile(column, 0.95)),
            "level": 0.9,
        }
        assert score["samples"] == column.tolist()


def test_scores_that_are_given_stay_beside_their_draws() -> None:
    returned = Classification(labels=["a", "b"], scores=[0.1, 0.9], samples=[[0.3, 0.7]])
    scores = answer(ClassificationOut(), returned)["scores"]
    assert [score["score"] for score in scores] == [0.9, 0.1]
    assert [score["interval"]["low"] for score in scores] == [0.7, 0.3]


@pytest.mark.parametrize(
    ("returned", "document"),
    [
        (3, {"value": 3}),
        (2.5, {"value": 2.5}),
        (np.float32(2.5), {"value": 2.5}),
        (np.int64(3), {"value": 3}),
        (np.array(3.0), {"value": 3.0}),
        (10**400, {"value": 10**400}),
        (Value(3.2, unit="cm"), {"value": 3.2, "unit": "cm"}),
        (
            Value(3.0, interval=Interval(2.0, 4.0, 0.9), samples=np.array([1.0, 2.0])),
            {"value": 3.0, "interval": {"low": 2.0, "high": 4.0, "level": 0.9}, "samples": [1.0, 2.0]},
        ),
    ],
)
def test_a_value_says_what_is_known(returned: object, document: object) -> None:
    assert answer(ValueOut(), returned) == document


def test_the_unit_may_be_declared() -> None:
    assert answer(ValueOut("kg"), 1.0) == {"value": 1.0, "unit": "kg"}
    assert answer(ValueOut("kg"), Value(1.0, unit="g")) == {"value": 1.0, "unit": "g"}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P", "CMYK", "F", "I"])
def test_a_picture_is_a_png(mode: str) -> None:
    document = answer(ImageOut(), Image.new(mode, (3, 2)))
    assert document["media_type"] == "image/png"
    assert Image.open(io.BytesIO(base64.b64decode(document["base64"]))).size == (3, 2)


@pytest.mark.parametrize(
    "rows",
    [
        [[1, "x"], [2.5, None]],
        [{"a": 1, "b": "x"}, {"a": 2.5}],
        np.array([[1, "x"], [2.5, None]], dtype=object),
    ],
)
def test_a_table_has_rows_in_the_order_of_its_columns(rows: Any) -> None:
    document = answer(TableOut(), TableValue(["a", "b"], rows))
    assert document == {"columns": ["a", "b"], "rows": [[1, "x"], [2.5, None]]}


def test_json_takes_what_programs_have() -> None:
    returned = {
        "when": datetime(2026, 1, 1, tzinfo=UTC),
        "array": np.arange(3),
        1: {2.0},
        "both": Both(None, 1),
    }  # type: ignore[arg-type]
    assert answer(JsonOut(), returned) == {
        "when": "2026-01-01T00:00:00Z", "array": [0, 1, 2], "1": [2.0], "both": {"species": None, "area": 1},
    }  # fmt: skip
    assert answer(TextOut(), "hellö") == "hellö"


@pytest.mark.parametrize(
    "returned", [{"species": Classification({"a": 1.0}), "area": 2.0}, Both(Classification({"a": 1.0}), 2.0)]
)
def test_a_group_has_each_output_under_its_name(returned: object) -> None:
    document = json.loads(encode_outputs(GROUP, returned))
    jsonschema.Draft202012Validator(outputs_schema(GROUP)).validate(document)
    assert document["area"] == {"value": 2.0, "unit": "cm²"}
    assert document["species"]["label"] == "a"


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("kind", "returned", "words"),
    [
        (ClassificationOut(), {"a": 1.0}, "of type dict where an fd.Classification is declared"),
        (ClassificationOut(), Classification({}), "0 labels"),
        (ClassificationOut(), Classification(labels=["a"], scores=[0.5, 0.5]), "1 labels and 2 scores"),
        (ClassificationOut(), Classification({"a": math.nan}), "is nan"),
        (ClassificationOut(), Classification({"a": 1.0}, samples=[[0.5, 0.5]]), "rows of 1 scores"),
        (ClassificationOut(), Classification(labels=["a"], scores=[1.0], samples=[]), "rows of 1 scores"),
        (ClassificationOut(), Classification(labels=["a"], samples=[[math.inf]]), "is inf"),
        (ClassificationOut(), Classification({"a": "high"}), "a number"),  # type: ignore[dict-item]
        (ValueOut(), None, "None where a number is declared"),
        (ValueOut(), True, "of type bool"),
        (ValueOut(), "3", "of type str"),
        (ValueOut(), np.array([1.0, 2.0]), "of type ndarray"),
        (ValueOut(), math.inf, "is inf"),
        (ValueOut(), Value(1.0, interval=Interval(2.0, 1.0)), "interval from 2.0 to 1.0"),
        (ValueOut(), Value(1.0, interval=Interval(1.0, 2.0, 95.0)), "level 95.0"),
        (ValueOut(), Value(1.0, samples=[math.nan]), "is nan"),
        (TextOut(), 3, "text is declared"),
        (ImageOut(), b"png", "PIL.Image.Image"),
        (TableOut(), [[1]], "fd.TableValue"),
        (TableOut(), TableValue(["a"], [[1, 2]]), "2 cells in row 0"),
        (TableOut(), TableValue(["a"], [[math.nan]]), "nan"),
        (JsonOut(), {"a": [1.0, {"b": math.inf}]}, "inf, which JSON cannot say"),
        (JsonOut(), object(), "nothing JSON knows"),
        (JsonOut(), LOOP, "cannot be JSON"),
    ],
)
def test_what_is_not_as_declared_is_an_error(kind: AnyOutput, returned: object, words: str) -> None:
    with pytest.raises(PredictFailed, match=words):
        answer(kind, returned)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ({"species": Classification({"a": 1.0})}, "lacks area"),
        ({"species": Classification({"a": 1.0}), "area": 1, "b": 2}, "has b that is not declared"),
        (3, "of type int where species, area belong"),
        ({"species": Classification({"a": 1.0}), "area": "x"}, "The model's area is of type str"),
    ],
)
def test_a_group_must_be_whole(returned: object, words: str) -> None:
    with pytest.raises(PredictFailed, match=words):
        encode_outputs(GROUP, returned)


def test_a_batch_is_split_into_one_answer_for_each_call() -> None:
    single = (Output(kind=ValueOut()),)
    assert split_rows(single, [1, 2], 2) == [1, 2]
    assert split_rows(single, (1, 2), 2) == [1, 2]
    assert split_rows(single, np.array([1.0, 2.0]), 2) == [1.0, 2.0]
    both = [Both(Classification({"a": 1.0}), 1.0), Both(Classification({"b": 1.0}), 2.0)]
    assert split_rows(GROUP, both, 2) == both
    columns = {"species": [row.species for row in both], "area": np.array([1.0, 2.0])}
    assert split_rows(GROUP, columns, 2) == [
        {"species": both[0].species, "area": 1.0}, {"species": both[1].species, "area": 2.0},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("returned", "words"),
    [([1], "asked 2 times and returned 1"), ("ab", "str"), (None, "None"), ({"a": 1}, "dict")],
)
def test_a_batch_of_another_length_is_an_error(returned: object, words: str) -> None:
    with pytest.raises(PredictFailed, match=words):
        split_rows((Output(kind=ValueOut()),), returned, 2)
