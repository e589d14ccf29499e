"""The documents of a train job: what it is to do, what it says on the way, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from frontdesk.desk.job import Progress


class TrainPayload(msgspec.Struct, frozen=True, kw_only=True):
    """What a train job keeps: parameters in wire form, the seed, and the file to learn from, if one was chosen."""

    parameters: dict[str, Any]
    seed: int
    data: str | None = None


class TrainOutputs(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    version: int
    is_live: bool
    metrics: Mapping[str, Any]


Names = tuple[str, ...]


class Points(msgspec.Struct, frozen=True, array_like=True):
    """Points that tell the same figures: their names, and a row for each point that begins with its time."""

    names: Names
    rows: list[list[float | None]]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a training said since the last time.

    `points` are what lies between the positions `since` and `until` of all that this attempt reports. `summary`, where
    it is due, stands for all points until there (see `summaries`).
    """

    points: tuple[Points, ...] = ()
    since: int = 0
    until: int = 0
    summary: bytes | None = None
    progress: Progress | None = None
    log: bytes = b""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to write down."""
        return not (self.points or self.summary or self.progress or self.log)
