"""Curves: thinned without losing what they look like, whole in the file, gone on with after a lost worker."""

from __future__ import annotations

import time

import numpy as np
import pytest

from frontdesk.desk.records import Chunk
from frontdesk.desk.summaries import USUAL_STRETCHES, CurveSummary
from frontdesk.desk.training import Points
from frontdesk.serve.curves import as_csv, gather, names_of, thinned


def steps(told: range) -> Points:
    return Points(("step", "loss"), [[float(step), step, 1 / (step + 1)] for step in told])


def attempt(*told: Points, stretches: int = USUAL_STRETCHES) -> CurveSummary:
    summary = CurveSummary(stretches)
    summary.add(told)
    return summary


def test_nothing_told_is_no_curve() -> None:
    assert gather([], 500).curves == []


def test_a_million_points_are_thinned_quickly_and_keep_their_spikes() -> None:
    rng = np.random.default_rng(0)
    xs, ys = np.arange(1e6), rng.normal(size=1_000_000)
    ys[[123_456, 876_543]] = [50, -40]
    began = time.perf_counter()
    chosen = thinned(xs, ys, 500)
    assert time.perf_counter() - began < 1
    assert len(chosen) <= 500
    assert {0, 123_456, 876_543, 999_999} <= set(chosen.tolist())
    assert (np.diff(chosen) > 0).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 499, 500, 501, 1999, 2000, 2001, 10_007])
def test_any_number_of_points_is_thinned(count: int) -> None:
    xs = np.arange(count, dtype=float)
    chosen = thinned(xs, np.sin(xs / 50), 500)
    assert len(chosen) == min(count, len(chosen)) <= 500
    assert len(set(chosen.tolist())) == len(chosen)


def test_a_place_counts_where_every_figure_has_it_and_the_time_otherwise() -> None:
    by_epoch = Points(("epoch", "loss"), [[10.0, 1, 0.5]])
    by_step = Points(("step", "rate"), [[12.0, 1, 0.1]])
    assert gather([attempt(by_epoch)], 500).x == "epoch"
    both = gather([attempt(by_epoch, by_step)], 500)
    assert (both.x, [(curve.name, curve.x) for curve in both.curves]) == (
        "time",
        [("loss", [0]), ("rate", [2])],
    )


def test_what_an_attempt_tells_again_is_there_once() -> None:
    told = gather([attempt(steps(range(10))), attempt(steps(range(6, 15)))], 500)
    assert told.curves[0].x == [float(step) for step in range(15)]
    assert (told.count, told.curves[0].count) == (19, 15)


def test_attempts_are_drawn_equally_fine_however_long_each_was() -> None:
    long, short = attempt(steps(range(500_000))), attempt(steps(range(400_000, 404_000)))
    (curve,) = gather([long, short], 500).curves
    assert sum(x >= 400_000 for x in curve.x) < 20
    assert curve.x == sorted(set(curve.x))
    assert abs(curve.count - 404_000) <= 256


def test_a_figure_that_is_no_number_is_a_gap() -> None:
    points = Points(("step", "loss"), [[0.0, 1, 0.5], [0.1, 2, None], [0.2, 3, 0.4]])
    (curve,) = gather([attempt(points)], 500).curves
    assert (curve.x, curve.count) == ([1, 3], 2)


def test_the_file_has_every_point() -> None:
    told = [steps(range(5000)), Points(("step", "val_loss"), [[9.0, 1, 0.25]])]
    names = names_of([attempt(*told)])
    lines = b"".join(as_csv(names, [Chunk(1, (points,)) for points in told])).decode().splitlines()
    assert lines[0] == "time,attempt,step,loss,val_loss"
    assert len(lines) == 5002
    assert lines[-1] == "9.0,1,1,,0.25"
