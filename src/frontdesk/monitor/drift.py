"""Whether what is asked now is distributed as what was learned from.

The population stability index of two distributions over the same bins is the sum of (p - q) ln(p / q); under 0.1 it
is usually taken for no change, from 0.25 on for a great one. Source: N. Siddiqi, "Credit Risk Scorecards", 2006.
Even where nothing has changed it is not 0, for both are samples of n and m: it is about (1/n + 1/m) times a
chi-squared number, with a degree of freedom less than there are bins (B. Yurdakul and J. Naranjo, "Statistical
properties of the population stability index", 2020). What may be chance, at a level of 5 %, is not called a shift.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from frontdesk.catalog.profiles import Profile

SOME, GREAT = 0.1, 0.25
LEAST_QUESTIONS = 30
_Z95 = 1.6448536269514722
_SMOOTHING = 0.5


class Verdict(StrEnum):
    """What the index says."""

    SAME = "same"
    MOVED = "moved"
    SHIFTED = "shifted"
    TOO_FEW = "too_few"


class InputDrift(msgspec.Struct, frozen=True, kw_only=True):
    """One input: the shares of each bin, of what was learned from and of what is asked, and how far apart they are.

    `chance` is what `psi` stays under nineteen times in twenty where nothing has changed.
    """

    name: str
    of: str
    bins: list[str]
    learned: list[float]
    asked: list[float]
    count: int
    psi: float
    chance: float
    verdict: Verdict


def drifts(known: Profile, asked: Mapping[str, Mapping[int, int]]) -> list[InputDrift]:
    """Every input that the profile knows, the ones farthest apart first."""
    found = []
    for name, learned in known.inputs.items():
        counts = [asked.get(name, {}).get(place, 0) for place in range(len(learned.counts))]
        bins = sum(any(pair) for pair in zip(learned.counts, counts, strict=True))
        index, chance = psi(learned.counts, counts), psi_by_chance(sum(learned.counts), sum(counts), bins)
        found.append(
            InputDrift(
                name=name,
                of=getattr(learned, "of", "value"),
                bins=learned.labels,
                learned=_shares(learned.counts),
                asked=_shares(counts),
                count=sum(counts),
                psi=index,
                chance=chance,
                verdict=_verdict(index, chance, sum(counts)),
            )
        )
    return sorted(found, key=lambda one: (one.verdict is Verdict.TOO_FEW, -one.psi))


def psi(expected: Sequence[int], actual: Sequence[int]) -> float:
    """The population stability index of counts by bin. Half a case is added to each bin where one is empty.

    Bins that are empty in both say nothing.
    """
    pairs = [pair for pair in zip(expected, actual, strict=True) if any(pair)]
    more = _SMOOTHING if any(0 in pair for pair in pairs) else 0.0
    total, asked = (sum(pair[side] + more for pair in pairs) for side in (0, 1))
    shares = [((e + more) / total, (a + more) / asked) for e, a in pairs]
    return sum((a - e) * math.log(a / e) for e, a in shares)


def psi_by_chance(expected: int, actual: int, bins: int) -> float:
    """What the index stays under with a probability of 95 % when both are drawn from the same distribution."""
    if not expected or not actual or bins < 2:
        return 0.0
    return (1 / expected + 1 / actual) * _chi_squared_95(bins - 1)


def _chi_squared_95(freedom: int) -> float:
    """Its 95 % quantile, within 2 % (E. Wilson and M. Hilferty, "The distribution of chi-square", 1931)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + _Z95 * math.sqrt(part)) ** 3)


def _verdict(index: float, chance: float, count: int) -> Verdict:
    if count < LEAST_QUESTIONS:
        return Verdict.TOO_FEW
    if index < SOME or index <= chance:
        return Verdict.SAME
    return Verdict.SHIFTED if index >= GREAT else Verdict.MOVED


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]
