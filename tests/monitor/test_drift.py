"""The mathematics of drift, against other people's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from frontdesk.catalog.profiles import OTHERS, Numbers, Options, decoded, encoded, profile, top_counts
from frontdesk.declare.kinds import Boolean, Choice, Drawing, Field, Image, Integer, Number, Text
from frontdesk.monitor.drift import Verdict, drifts, psi, psi_by_chance

FIELDS = (
    Field(name="size", kind=Number()),
    Field(name="count", kind=Integer()),
    Field(name="colour", kind=Choice(options=("red", "green"))),
    Field(name="ripe", kind=Boolean()),
    Field(name="note", kind=Text()),
    Field(name="ink", kind=Drawing(width=2, height=2)),
    Field(name="photo", kind=Image()),
)


def known(**columns: object):
    made = profile(FIELDS, columns, None, profile_id="p", source="training")  # type: ignore[arg-type]
    assert made is not None
    return made


def test_the_index_is_a_symmetric_divergence() -> None:
    expected, actual = [50, 30, 20], [20, 30, 50]
    p, q = np.array(expected) / 100, np.array(actual) / 100
    assert psi(expected, actual) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))
    assert psi(expected, actual) == pytest.approx(2 * 0.3 * math.log(2.5))
    assert psi(expected, [500, 300, 200]) == pytest.approx(0)


def test_an_empty_bin_is_no_infinite_shift_and_one_that_is_empty_in_both_is_none() -> None:
    assert 0 < psi([100, 100, 0], [100, 90, 10]) < 1
    assert psi([100, 100, 0], [100, 100, 0]) == pytest.approx(psi([100, 100], [100, 100]))


@pytest.mark.parametrize("freedom", [1, 2, 5, 9, 30])
def test_chance_is_a_quantile_of_chi_squared(freedom: int) -> None:
    assert psi_by_chance(2, 2, freedom + 1) == pytest.approx(stats.chi2.ppf(0.95, freedom), rel=0.03)


def test_what_is_drawn_from_the_same_distribution_is_seldom_called_shifted() -> None:
    random = np.random.default_rng(1)
    found = []
    for _ in range(200):
        learned = known(size=random.normal(5, 1, 500))
        places = learned.inputs["size"].places(random.normal(5, 1, 60))
        found += drifts(learned, {"size": {p: places.count(p) for p in set(places)}})
    assert sum(one.verdict is not Verdict.SAME for one in found) < 200 * 0.15
    # Without the allowance for chance most of these samples would be called so.
    assert sum(one.psi >= 0.1 for one in found) > 200 * 0.5


def test_a_shift_is_called_one() -> None:
    random = np.random.default_rng(2)
    learned = known(size=random.normal(5, 1, 1000), colour=["red"] * 50 + ["green"] * 50)
    places = learned.inputs["size"].places(random.normal(6, 1, 400))
    asked = {"size": {p: places.count(p) for p in set(places)}, "colour": {0: 60, 1: 50}}
    first, second = drifts(learned, asked)
    assert (first.name, first.verdict, second.verdict) == ("size", Verdict.SHIFTED, Verdict.SAME)
    assert first.psi > 0.25
    assert sum(first.asked) == pytest.approx(1)
    few = drifts(learned, {"size": {9: 20}})[0]
    assert few.verdict is Verdict.TOO_FEW


def test_tenths_hold_a_tenth_each_and_few_different_values_a_bin_each() -> None:
    made = known(size=np.arange(1000.0), count=[1, 2, 2, 3] * 25)
    size, count = made.inputs["size"], made.inputs["count"]
    assert isinstance(size, Numbers)
    assert isinstance(count, Numbers)
    assert size.counts == (100,) * 10
    assert count.edges == (1.5, 2.5)
    assert count.counts == (25, 50, 25)
    assert count.places([0, 2, 99]) == [0, 1, 2]
    assert len(size.labels) == 10


def test_a_value_that_most_examples_have_takes_no_empty_bins() -> None:
    size = known(size=[0.0] * 900 + [float(n) for n in range(1, 101)]).inputs["size"]
    assert isinstance(size, Numbers)
    assert 0 not in size.counts
    assert sum(size.counts) == 1000


def test_other_kinds_are_counted_by_what_can_be_said_of_them() -> None:
    made = known(
        colour=["red", "red", "green", "blue"], ripe=[True, False], note=["", "four"],
        ink=[[[255, 255], [0, 0]], [0, 0, 0, 0]], photo=[b"png"],
    )  # fmt: skip
    colour, ripe = made.inputs["colour"], made.inputs["ripe"]
    assert isinstance(colour, Options)
    assert isinstance(ripe, Options)
    assert (colour.counts, colour.labels) == ((2, 1, 1), ["red", "green", OTHERS])
    assert ripe.counts == (1, 1, 0)
    assert made.inputs["note"].of == "length in characters"  # type: ignore[union-attr]
    assert made.inputs["ink"].edges == (0.25,)  # type: ignore[union-attr]
    assert "photo" not in made.inputs
    assert decoded(encoded(made)) == made


def test_rare_classes_are_counted_together() -> None:
    counts = top_counts({f"c{n}": n for n in range(1, 301)}, most=100)
    assert len(counts) == 101
    assert sum(counts.values()) == 300 * 301 // 2
    again = top_counts(counts, most=100)
    assert again == counts
