"""Curves: thinned without losing what they look like, whole in the file, gone on with after a lost worker."""

from __future__ import annotations

import time

import numpy as np
import pytest

from frontdesk.desk.records import Chunk
from frontdesk.desk.training import Points
from frontdesk.serve.curves import as_csv, gather, names_of, thinned


def chunk(first: int, steps: range, attempt: int = 1, names: tuple[str, ...] = ("step", "loss")) -> Chunk:
    rows: list[list[float | None]] = [[float(step), step, 1 / (step + 1)] for step in steps]
    return Chunk(first, attempt, (Points(names, rows),))


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
    assert gather([Chunk(0, 1, (by_epoch,))], 500).x == "epoch"
    both = gather([Chunk(0, 1, (by_epoch, by_step))], 500)
    assert (both.x, [(curve.name, curve.x) for curve in both.curves]) == (
        "time",
        [("loss", [0]), ("rate", [2])],
    )


def test_what_an_attempt_tells_again_is_there_once() -> None:
    told = gather([chunk(0, range(10)), chunk(10, range(6, 15), attempt=2)], 500)
    assert told.curves[0].x == [float(step) for step in range(15)]
    assert told.count == 19


def test_a_figure_that_is_no_number_is_a_gap() -> None:
    points = Points(("step", "loss"), [[0.0, 1, 0.5], [0.1, 2, None], [0.2, 3, 0.4]])
    (curve,) = gather([Chunk(0, 1, (points,))], 500).curves
    assert (curve.x, curve.count) == ([1, 3], 2)


def test_the_file_has_every_point() -> None:
    told = [chunk(0, range(5000)), Chunk(5000, 1, (Points(("step", "val_loss"), [[9.0, 1, 0.25]]),))]
    names = names_of(told)
    lines = b"".join(as_csv(names, told)).decode().splitlines()
    assert lines[0] == "time,attempt,step,loss,val_loss"
    assert len(lines) == 5002
    assert lines[-1] == "9.0,1,1,,0.25"
