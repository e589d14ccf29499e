"""Counts that can be added up: how many questions, how long they took, what was answered, what was asked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import msgspec

from frontdesk.catalog.profiles import top_counts

_FIRST_S, _STEPS_OF_TWO, _BUCKETS = 0.0001, 8, 192
BOUNDS_S = tuple(_FIRST_S * 2 ** (step / _STEPS_OF_TWO) for step in range(_BUCKETS))
"""From a tenth of a millisecond to half an hour, eight to each doubling: a quantile is right to within a tenth."""


class Tally(msgspec.Struct, kw_only=True):
    """Counts of one version over some time. `latencies` are by bucket of BOUNDS_S.

    `looked_at` of the questions were looked into: `classes` and, in the bins of the profile of that id, `inputs` are of
    those; the other counts are of all.
    """

    count: int = 0
    errors: int = 0
    latencies: dict[int, int] = {}
    looked_at: int = 0
    classes: dict[str, int] = {}
    profile: str = ""
    inputs: dict[str, dict[int, int]] = {}

    def took(self, seconds: float) -> None:
        """One more was answered."""
        self.count += 1
        bucket = bisect_left(BOUNDS_S, seconds)
        self.latencies[bucket] = self.latencies.get(bucket, 0) + 1

    def add(self, other: Tally) -> None:
        """All that `other` counted. Bins of another profile mean something else, so only the newer are kept."""
        self.count += other.count
        self.errors += other.errors
        self.looked_at += other.looked_at
        _add(self.latencies, other.latencies)
        _add(self.classes, other.classes)
        self.classes = top_counts(self.classes)
        if other.profile and other.profile != self.profile:
            self.profile, self.inputs = other.profile, {}
        if other.profile:
            for name, bins in other.inputs.items():
                _add(self.inputs.setdefault(name, {}), bins)

    def quantile_s(self, share: float) -> float | None:
        """The time within which this share was answered; None where nothing was."""
        return quantile_s(self.latencies, share)


def quantile_s(latencies: Mapping[int, int], share: float) -> float | None:
    """Of counts by bucket, in between the bounds of the bucket it falls into."""
    total = sum(latencies.values())
    if not total:
        return None
    rank, so_far = share * total, 0
    for bucket in sorted(latencies):
        here = latencies[bucket]
        if so_far + here >= rank:
            low = BOUNDS_S[bucket - 1] if bucket else 0.0
            high = BOUNDS_S[min(bucket, _BUCKETS - 1)]
            return low + (high - low) * (rank - so_far) / here
        so_far += here
    return BOUNDS_S[-1]


def together(tallies: Iterable[Tally]) -> Tally:
    """All of them in one."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def _add(mine: dict, theirs: Mapping) -> None:  # type: ignore[type-arg]
    for name, count in theirs.items():
        mine[name] = mine.get(name, 0) + count


_decoder = msgspec.msgpack.Decoder(Tally)
encoded = msgspec.msgpack.Encoder().encode


def decoded(data: bytes) -> Tally:
    """What a row keeps."""
    return _decoder.decode(data)
