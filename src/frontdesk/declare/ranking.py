"""The scores of a classification: ranked and, where a model draws several times, with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from operator import attrgetter

import msgspec

SPREAD_LEVEL = 0.9


class Spread(msgspec.Struct, frozen=True, gc=False):
    """The middle part of a label's draws: `level` of them lie between `low` and `high`."""

    low: float
    high: float
    level: float = SPREAD_LEVEL


class Score(msgspec.Struct, frozen=True, omit_defaults=True):
    """One label's score; of a model that draws, the draws themselves and their spread."""

    label: str
    score: float
    interval: Spread | None = None
    samples: Sequence[float] | None = None


_by_score = attrgetter("score")


def ranked(
    labels: Sequence[str], scores: Sequence[float], draws: Sequence[Sequence[float]] | None = None
) -> list[Score]:
    """Best first. `draws` holds one row of scores, in the order of `labels`, for each draw."""
    if draws is None:
        found = map(Score, labels, scores)
    else:
        columns = [*zip(*draws, strict=True)]
        found = map(Score, labels, scores, map(_spread, columns), columns)
    return sorted(found, key=_by_score, reverse=True)


def _spread(column: Sequence[float]) -> Spread:
    ordered = sorted(column)
    tail = (1 - SPREAD_LEVEL) / 2
    return Spread(_quantile(ordered, tail), _quantile(ordered, 1 - tail))


def _quantile(ordered: Sequence[float], fraction: float) -> float:
    """By linear interpolation between order statistics (type 7 of Hyndman and Fan, 1996), as NumPy's default."""
    place = fraction * (len(ordered) - 1)
    below, above = ordered[floor(place)], ordered[ceil(place)]
    return below + (above - below) * (place - floor(place))
