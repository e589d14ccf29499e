"""What trainings reported, as curves: gathered from the rows, thinned for a page, whole in a file.

Thinning is MinMaxLTTB: of each bucket the least and the greatest point are kept (MinMax), and of those the ones that
span the largest triangles (LTTB). Sources: S. Steinarsson, "Downsampling Time Series for Visual Representation", 2013;
J. Van Der Donckt et al., "MinMaxLTTB", IEEE VIS 2023.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from frontdesk.desk.records import Chunk
from frontdesk.desk.summaries import (
    EPOCH,
    MOMENT,
    NUMBER,
    PLACES,
    STEP,
    VALUE,
    CurvePoints,
    CurveSummary,
    extremes,
)

Floats = NDArray[np.float64]

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


def gather(attempts: Sequence[CurveSummary], points: int) -> Curves:
    """The curves of a training, each with about `points` points at most."""
    told = [attempt for attempt in attempts if attempt.curves]
    place = next((one for one in PLACES if told and all(one in attempt.places for attempt in told)), "time")
    began_at = min((attempt.began_at for attempt in told if attempt.began_at is not None), default=None)
    names = dict.fromkeys(name for attempt in told for name in attempt.curves)
    parts: dict[str, list[Part]] = {name: [] for name in names}
    for attempt in told:
        new = {
            name: _part(curve, attempt.stretches, place, began_at or 0.0)
            for name, curve in attempt.curves.items()
        }
        _cut(parts, min((float(part.xs[0]) for part in new.values() if len(part.xs)), default=np.inf))
        for name, part in new.items():
            parts[name].append(part)
    return Curves(
        x=place,
        count=sum(attempt.count for attempt in attempts),
        began_at=began_at,
        curves=[_curve(name, of_name, points) for name, of_name in parts.items()],
    )


class Part(NamedTuple):
    """What one attempt told of a curve. Of `told` points there are two here for each `width` of them."""

    xs: Floats
    table: Floats
    told: int
    width: int


def _part(curve: CurvePoints, stretches: int, place: str, began_at: float) -> Part:
    table = curve.kept(stretches)
    xs = table[:, MOMENT] - began_at if place == "time" else table[:, EPOCH if place == "epoch" else STEP]
    known = ~np.isnan(xs)
    return Part(xs[known], table[known], curve.count - int((~known).sum()), curve.width)


def _cut(parts: dict[str, list[Part]], start: float) -> None:
    """A new attempt goes on from a checkpoint: what those before told beyond that is told again."""
    for name, of_name in parts.items():
        parts[name] = [_until(part, start) for part in of_name]


def _until(part: Part, end: float) -> Part:
    kept = part.xs < end
    if kept.all():
        return part
    table = part.table[kept]
    count = int(table[-1, NUMBER]) + 1 if len(table) else 0
    return Part(part.xs[kept], table, count, part.width)


def _curve(name: str, parts: list[Part], points: int) -> Curve:
    width = max((part.width for part in parts), default=1)
    even = [part.xs[extremes(part.table, width)] for part in parts]
    xs = np.concatenate([*even, np.empty(0)])
    ys = np.concatenate([*(part.table[extremes(part.table, width), VALUE] for part in parts), np.empty(0)])
    chosen = thinned(xs, ys, points)
    count = sum(part.told for part in parts)
    return Curve(name=name, x=xs[chosen].tolist(), y=ys[chosen].tolist(), count=count)


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


def names_of(attempts: Iterable[CurveSummary]) -> list[str]:
    """All figures, in the order they were first told."""
    return list(dict.fromkeys(name for attempt in attempts for name in attempt.names))


def _emptied(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data
