"""Summaries of curves: exact however the points come in, and of a size that does not grow with them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from frontdesk.desk.summaries import NUMBER, STEP, VALUE, CurveSummary
from frontdesk.desk.training import Points

rng = np.random.default_rng(0)


def told(values: np.ndarray, first: int) -> Points:
    return Points(("step", "loss"), [[0.1, first + at, value] for at, value in enumerate(values.tolist())])


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000, 4097])
def test_the_least_and_the_greatest_of_each_stretch_are_kept_however_the_points_came(count: int) -> None:
    values = rng.normal(size=count)
    summary = CurveSummary(64)
    cuts = [0, *sorted(set(rng.integers(0, count, 12).tolist()) - {0}), count]
    for start, end in pairwise(cuts):
        summary.add([told(values[start:end], start)])
        summary = CurveSummary.decode(summary.encode())
        summary.stretches = 64
    curve = summary.curves["loss"]
    table = curve.kept(64)
    assert curve.count == count
    wanted = {0, count - 1}
    for start in range(0, count, curve.width):
        stretch = values[start : start + curve.width]
        wanted |= {start + int(stretch.argmin()), start + int(stretch.argmax())}
    assert table[:, NUMBER].tolist() == sorted(wanted)
    assert (values[table[:, STEP].astype(int)] == table[:, VALUE]).all()
    assert len(table) <= 2 * 64 + 2


def test_its_size_does_not_grow_with_the_points() -> None:
    summary, sizes = CurveSummary(), []
    for first in range(0, 200_000, 20_000):
        summary.add([told(rng.normal(size=20_000), first)])
        sizes.append(len(summary.encode()))
    assert max(sizes) < 200_000


def test_many_curves_are_kept_less_finely() -> None:
    names = ("step", *(f"layer{number}" for number in range(100)))
    rows = rng.normal(size=(5000, 1 + len(names))).tolist()
    summary = CurveSummary()
    summary.add([Points(names, rows)])
    assert len(summary.encode()) < 2**20


def test_a_curve_that_begins_late_counts_from_its_own_beginning() -> None:
    summary = CurveSummary()
    summary.add([told(np.ones(10), 0), Points(("step", "val_loss"), [[1.0, 9, 0.5]])])
    summary.add([Points(("epoch",), [[1.0, 3.0]])])
    assert {name: curve.count for name, curve in summary.curves.items()} == {"loss": 10, "val_loss": 1}
    assert (summary.count, summary.names) == (12, ["step", "loss", "val_loss", "epoch"])
    assert summary.places == {"step"}
