"""Where the marks of a small plot go: shares of its width and height, so that a template can draw it at any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

_BINS = 24
_MARGIN, _LEAST = 0.06, 1e-9


class Mark(msgspec.Struct, frozen=True):
    """A bar of a histogram: left edge and width in percent of the plot's width, height in percent of its height."""

    left: float
    width: float
    height: float


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A value on its axis with what is known about it. Places are percents of the width between `low` and `high`."""

    low: float
    high: float
    value: float
    interval: tuple[float, float] | None
    bars: list[Mark]


def histogram(samples: Sequence[float], low: float, high: float) -> list[Mark]:
    """Bars of equal width over [low, high]; the tallest fills the height."""
    if not samples or high <= low:
        return []
    counts = [0] * _BINS
    for sample in samples:
        counts[min(max(int((sample - low) / (high - low) * _BINS), 0), _BINS - 1)] += 1
    width, tallest = 100 / _BINS, max(counts)
    return [
        Mark(round(place * width, 3), round(width, 3), round(100 * count / tallest, 2))
        for place, count in enumerate(counts)
        if count
    ]


def spread(value: Mapping[str, Any]) -> Spread | None:
    """The plot of an output of kind `value`; None where it is a bare number, which needs none."""
    interval, samples = value.get("interval"), value.get("samples") or []
    if interval is None and not samples:
        return None
    known: list[float] = [value["value"], *samples]
    if interval is not None:
        known += [interval["low"], interval["high"]]
    low, high = min(known), max(known)
    # Even where nothing is spread there has to be an axis, and one that floating point can tell from a point.
    margin = max((high - low) * _MARGIN, max(-low, high) * _LEAST) or _MARGIN
    low, high = low - margin, high + margin

    def place(number: float) -> float:
        return round(100 * (number - low) / (high - low), 3)

    return Spread(
        low=low,
        high=high,
        value=place(value["value"]),
        interval=(place(interval["low"]), place(interval["high"])) if interval else None,
        bars=histogram(samples, low, high),
    )
