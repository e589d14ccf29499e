"""Curves of any length in a size that stays: of each stretch of points, the least and the greatest.

A curve counts its points. Stretches are `width` points long, a power of two that doubles whenever there are too many of
them, so two stretches become one without another look at the points: the lesser of two leasts is the least. Hence a
summary is exact however the points came in, and takes the same room whether a training tells thousands or billions.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from frontdesk.desk.training import Points

Table = NDArray[np.float64]

PLACES = ("epoch", "step")
NUMBER, MOMENT, EPOCH, STEP, VALUE = range(5)
"""The columns of a table: the number of the point in its curve, when and where it was told, and what."""
_COLUMNS = 5
USUAL_STRETCHES = 2048
_LEAST_STRETCHES, _STRETCHES_OF_ALL = 64, 8192


class _Kept(msgspec.Struct, frozen=True):
    name: str
    count: int
    width: int
    table: bytes


class _Summary(msgspec.Struct, frozen=True):
    names: list[str]
    places: list[str]
    began_at: float | None
    count: int
    curves: list[_Kept]


class CurvePoints:
    """The points of one curve that are kept, of `count` there are."""

    def __init__(self, count: int = 0, width: int = 1, table: Table | None = None) -> None:
        self.count, self.width = count, width
        self._tables = [np.empty((0, _COLUMNS)) if table is None else table]

    def add(self, table: Table) -> None:
        """Add points, whose numbers are given here."""
        table[:, NUMBER] = np.arange(self.count, self.count + len(table))
        self.count += len(table)
        self._tables.append(table)

    def kept(self, stretches: int) -> Table:
        """The points of so many stretches at most, in order."""
        width = self.width
        while self.count > stretches * width:
            width *= 2
        table = np.concatenate(self._tables)
        table = table[extremes(table, width)]
        self.width, self._tables = width, [table]
        return table


def extremes(table: Table, width: int) -> NDArray[np.intp]:
    """Where the least and the greatest value of each stretch is, and the first and the last of all."""
    if width == 1 or not len(table):
        return np.arange(len(table))
    stretches = table[:, NUMBER] // width
    order = np.lexsort((table[:, VALUE], stretches))
    ends = np.flatnonzero(np.diff(stretches[order]))
    edges = np.array([0, len(table) - 1, order[0], order[-1]])
    return np.unique(np.concatenate((edges, order[ends], order[ends + 1])))


class CurveSummary:
    """All curves of one attempt. `places` are what every point tells where it is, `names` all that was told."""

    def __init__(self, stretches: int = USUAL_STRETCHES) -> None:
        self.stretches = stretches
        self.names: list[str] = []
        self.places = frozenset(PLACES)
        self.began_at: float | None = None
        self.count = 0
        self.curves: dict[str, CurvePoints] = {}

    def add(self, told: Iterable[Points]) -> None:
        """Add what was told."""
        for points in told:
            figures = [name for name in points.names if name not in PLACES]
            self.count += len(points.rows)
            self.names += [name for name in points.names if name not in self.names]
            if figures:
                self.places &= set(points.names)
            rows = np.array(points.rows, dtype=np.float64)  # None is nan
            if self.began_at is None:
                self.began_at = float(rows[0, 0])
            for name in figures:
                self._add(name, points.names, rows)

    def _add(self, name: str, names: tuple[str, ...], rows: Table) -> None:
        table = np.full((len(rows), _COLUMNS), np.nan)
        table[:, MOMENT] = rows[:, 0]
        for column, told in ((EPOCH, "epoch"), (STEP, "step"), (VALUE, name)):
            if told in names:
                table[:, column] = rows[:, 1 + names.index(told)]
        self.curves.setdefault(name, CurvePoints()).add(table[~np.isnan(table[:, VALUE])])

    def encode(self) -> bytes:
        """As bytes, some hundred thousand at most for each of the usual few curves."""
        fewer = max(_STRETCHES_OF_ALL // max(len(self.curves), 1), _LEAST_STRETCHES)
        stretches = min(self.stretches, fewer)
        kept = [
            _Kept(name, curve.count, curve.width, table.astype("<f8").tobytes())
            for name, curve in self.curves.items()
            for table in [curve.kept(stretches)]
        ]
        return msgspec.msgpack.encode(
            _Summary(self.names, sorted(self.places), self.began_at, self.count, kept)
        )

    @classmethod
    def decode(cls, data: bytes) -> CurveSummary:
        """From what `encode` made."""
        read, summary = msgspec.msgpack.decode(data, type=_Summary), cls()
        summary.names, summary.places = read.names, frozenset(read.places)
        summary.began_at, summary.count = read.began_at, read.count
        for kept in read.curves:
            table = np.frombuffer(kept.table, "<f8").reshape(-1, _COLUMNS)
            summary.curves[kept.name] = CurvePoints(kept.count, kept.width, table)
        return summary
