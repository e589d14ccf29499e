"""The documents of a batch job: what it is to do, and what came of it."""

from __future__ import annotations

import msgspec


class BatchPayload(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch job keeps beside its input file. `strict`: one row without an answer fails the job."""

    format: str = "xlsx"
    strict: bool = False


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """How often predictions fell into each of so many parts of [low, high]."""

    low: float
    high: float
    counts: list[int]


class BatchSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows of a result without opening it.

    `rows` are the first ones. `labels` counts what was predicted, the most frequent first; a histogram stands there for
    numbers. `uncertainty` has, for up to 200 stretches of rows in order, the mean width of the interval of what was
    predicted, or how far its score is from 1 where the model gives no interval.
    """

    header: list[str]
    rows: list[list[str]]
    labels: dict[str, int] = {}
    histogram: Histogram | None = None
    uncertainty: list[float] = []
    uncertainty_is: str = ""


class BatchOutputs(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: how many rows there were, how many have no answer, and which columns were added."""

    rows: int
    failed_rows: int
    columns: list[str]
    format: str
    summary: BatchSummary
