"""What may be said of an answer, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from frontdesk.declare.output_kinds import ClassificationOut, ImageOut, Output, TextOut, ValueOut
from frontdesk.errors import InvalidInput
from frontdesk.monitor.judging import judged
from frontdesk.monitor.rows import Said

LABEL = (Output(kind=ClassificationOut()),)
NUMBER = (Output(kind=ValueOut()),)
TEXT = (Output(kind=TextOut()),)
GROUP = (
    Output(name="kind", kind=ClassificationOut()), Output(name="size", kind=ValueOut()),
    Output(name="picture", kind=ImageOut()),
)  # fmt: skip
SETOSA = {"answer": Said(answer="Setosa", score=0.9, labels=["Setosa", "Virginica"])}


def pointer(outputs: tuple[Output, ...], said: Any, right: bool | None, **truth: Any) -> str:
    with pytest.raises(InvalidInput) as refusal:
        judged(outputs, said, right, truth)
    return refusal.value.faults[0].pointer


def test_yes_makes_the_answer_the_true_one() -> None:
    judgement = judged(LABEL, SETOSA, True, {})
    assert (judgement.is_right, judgement.truth) == (True, {"answer": "Setosa"})


def test_no_alone_says_nothing_of_the_truth() -> None:
    judgement = judged(LABEL, SETOSA, False, {})
    assert (judgement.is_right, judgement.truth) == (False, {})


def test_a_true_label_says_whether_it_was_right() -> None:
    assert not judged(LABEL, SETOSA, None, {"answer": "Virginica"}).is_right
    assert judged(LABEL, SETOSA, None, {"answer": "Setosa"}).is_right


def test_a_number_is_off_by_so_much_and_right_when_somebody_says_so() -> None:
    said = {"answer": Said(answer=10.0)}
    near = judged(NUMBER, said, True, {"answer": 10.5})
    assert (near.is_right, near.off_by) == (True, 0.5)
    assert not judged(NUMBER, said, None, {"answer": 11}).is_right
    assert judged(NUMBER, said, None, {"answer": 10}).is_right
    assert judged(NUMBER, said, True, {}).truth == {"answer": 10.0}


def test_of_an_answer_that_was_not_kept_somebody_has_to_say_whether_it_was_right() -> None:
    assert pointer(LABEL, None, None, answer="Virginica") == "/right"
    judgement = judged(LABEL, None, False, {"answer": "Virginica"})
    assert (judgement.is_right, judgement.truth) == (False, {"answer": "Virginica"})
    assert judged(LABEL, None, True, {}).truth == {}


def test_what_cannot_be_is_refused_where_it_stands() -> None:
    assert pointer(LABEL, SETOSA, None) == "/right"
    assert pointer(LABEL, SETOSA, None, answer="Tulip") == "/truth/answer"
    assert pointer(LABEL, SETOSA, None, answer=3) == "/truth/answer"
    assert pointer(LABEL, SETOSA, None, answr="Setosa") == "/truth/answr"
    assert pointer(LABEL, SETOSA, True, answer="Virginica") == "/right"
    assert pointer(LABEL, SETOSA, False, answer="Setosa") == "/right"
    assert pointer(NUMBER, None, True, answer=True) == "/truth/answer"
    assert pointer(NUMBER, None, True, answer=float("inf")) == "/truth/answer"
    assert pointer(TEXT, None, True, answer="x" * 5000) == "/truth/answer"
    assert pointer(GROUP, None, True, picture="a") == "/truth/picture"


def test_a_group_is_right_when_all_that_was_told_is() -> None:
    said = {
        "kind": Said(answer="a", score=1.0, labels=["a", "b"]),
        "size": Said(answer=2.0),
        "picture": Said(),
    }
    assert judged(GROUP, said, None, {"kind": "a"}).is_right
    told = judged(GROUP, said, True, {})
    assert told.truth == {"kind": "a", "size": 2.0}
    wrong = judged(GROUP, said, None, {"kind": "b", "size": 5})
    assert (wrong.is_right, wrong.off_by) == (False, 3.0)
