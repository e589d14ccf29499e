"""What trainings reported, as curves: gathered from the rows, thinned for a page, whole in a file.

Thinning is MinMaxLTTB: of each bucket the least and the greatest point are kept (MinMax), and of those the ones that
span the largest triangles (LTTB). Sources: S. Steinarsson, "Downsampling Time Series for Visual Representation", 2013;
J. Van Der Donckt et al., "MinMaxLTTB", IEEE VIS 2023.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from frontdesk.desk.records import Chunk

Floats = NDArray[np.float64]

_PLACES = ("epoch", "step")
_PRESELECT = 4
_CSV_ROWS = 2000


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: where each point is, and its value. `count` is how many there are before thinning."""

    name: str
    x: list[float]
    y: list[float]
    count: int


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a training. `x` says what the places are: epoch, step, or time in seconds.

    `count` points are in it: of an event of kind metrics whose `first` is less, nothing is new.
    """

    x: str
    count: int
    began_at: float | None
    curves: list[Curve]


def gather(chunks: Iterable[Chunk], points: int) -> Curves:
    """The curves of a training, each with about `points` points at most."""
    told = list(chunks)
    place = _place(told)
    began_at = min(
        (row[0] or 0.0 for chunk in told for one in chunk.points for row in one.rows[:1]), default=None
    )
    gathered: dict[str, list[tuple[Floats, Floats]]] = {}
    attempt = told[0].attempt if told else 0
    for chunk in told:
        if chunk.attempt != attempt:
            attempt = chunk.attempt
            _cut(gathered, chunk, place, began_at or 0.0)
        for name, xs, ys in _columns(chunk, place, began_at or 0.0):
            gathered.setdefault(name, []).append((xs, ys))
    count = sum(len(one.rows) for chunk in told for one in chunk.points)
    curves = [_curve(name, parts, points) for name, parts in gathered.items()]
    return Curves(x=place, count=count, began_at=began_at, curves=curves)


def _place(told: list[Chunk]) -> str:
    """What every point says where it is, or else the time."""
    names = {one.names for chunk in told for one in chunk.points if set(one.names) - {*_PLACES}}
    return next((place for place in _PLACES if names and all(place in group for group in names)), "time")


def _columns(chunk: Chunk, place: str, began_at: float) -> Iterator[tuple[str, Floats, Floats]]:
    for one in chunk.points:
        table = np.array(one.rows, dtype=np.float64)  # None is nan
        xs = table[:, 1 + one.names.index(place)] if place in one.names else table[:, 0] - began_at
        for column, name in enumerate(one.names, start=1):
            if name not in _PLACES:
                yield name, xs, table[:, column]


def _cut(gathered: dict[str, list[tuple[Floats, Floats]]], chunk: Chunk, place: str, began_at: float) -> None:
    """A new attempt goes on from a checkpoint: what the one before told beyond that is told again."""
    again = [float(np.nanmin(xs)) for _, xs, _ in _columns(chunk, place, began_at) if not np.isnan(xs).all()]
    if not again:
        return
    for name, parts in gathered.items():
        gathered[name] = [(xs[xs < min(again)], ys[xs < min(again)]) for xs, ys in parts]


def _curve(name: str, parts: list[tuple[Floats, Floats]], points: int) -> Curve:
    xs, ys = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    known = ~(np.isnan(xs) | np.isnan(ys))
    xs, ys = xs[known], ys[known]
    chosen = thinned(xs, ys, points)
    return Curve(name=name, x=xs[chosen].tolist(), y=ys[chosen].tolist(), count=len(xs))


def thinned(xs: Floats, ys: Floats, points: int) -> NDArray[np.intp]:
    """Which points to draw: about `points` of them that look like all."""
    every = np.arange(len(xs))
    if len(xs) <= points or points < 3:
        return every
    chosen = _extremes(ys, points * _PRESELECT // 2) if len(xs) > points * _PRESELECT else every
    return chosen[_largest_triangles(xs[chosen], ys[chosen], points)]


def _extremes(ys: Floats, buckets: int) -> NDArray[np.intp]:
    """The first and last point, and the least and greatest of each bucket in between."""
    width = len(ys) // buckets
    whole = ys[: width * buckets].reshape(buckets, width)
    starts = np.arange(buckets) * width
    tail = np.arange(width * buckets, len(ys))
    ends = tail[[ys[tail].argmin(), ys[tail].argmax()]] if len(tail) else tail
    found = np.concatenate(
        ([0], starts + whole.argmin(axis=1), starts + whole.argmax(axis=1), ends, [len(ys) - 1])
    )
    return np.unique(found.astype(np.intp))


def _largest_triangles(xs: Floats, ys: Floats, points: int) -> NDArray[np.intp]:
    """Of each bucket the point that spans the largest triangle with the one chosen before and the mean of the next."""
    edges = np.linspace(1, len(xs) - 1, points - 1).astype(np.intp)
    chosen = [0]
    for bucket in range(points - 2):
        start, end = edges[bucket], max(edges[bucket + 1], edges[bucket] + 1)
        after = slice(end, edges[bucket + 2] if bucket + 2 < len(edges) else len(xs))
        next_x, next_y = xs[after].mean(), ys[after].mean()
        x, y = xs[chosen[-1]], ys[chosen[-1]]
        areas = np.abs((x - next_x) * (ys[start:end] - y) - (x - xs[start:end]) * (next_y - y))
        chosen.append(int(start + areas.argmax()))
    return np.array([*chosen, len(xs) - 1], dtype=np.intp)


def as_csv(names: list[str], chunks: Iterable[Chunk]) -> Iterator[bytes]:
    """Every point, a line each: when it was told, in which attempt, and its figures."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time", "attempt", *names])
    for chunk in chunks:
        for one in chunk.points:
            for row in one.rows:
                figures: dict[str, Any] = dict(zip(one.names, row[1:], strict=True))
                writer.writerow([row[0], chunk.attempt, *(figures.get(name) for name in names)])
                if text.tell() > _CSV_ROWS * 20:
                    yield _emptied(text)
    yield _emptied(text)


def names_of(chunks: Iterable[Chunk]) -> list[str]:
    """All figures, in the order they were first told."""
    return list(dict.fromkeys(name for chunk in chunks for one in chunk.points for name in one.names))


def _emptied(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data
