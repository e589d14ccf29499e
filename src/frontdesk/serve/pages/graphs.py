"""What the charts of the Monitor tab draw: lines or stacked bars over time, as template and script read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from frontdesk.monitor.figures import Figures, Version


class GraphLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line, or one part of every bar. None where there is nothing."""

    name: str
    y: list[float | None]


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """One chart. `x` are the beginnings of stretches in seconds since 1970; `note` says what the figures rest on."""

    name: str
    title: str
    kind: Literal["lines", "bars"]
    unit: str
    x: list[float]
    lines: list[GraphLine]
    note: str = ""


def graphs_of(figures: Figures) -> list[Graph]:
    """Those that have something to show."""
    x = [moment.timestamp() for moment in figures.begins]
    found = [_predictions(figures, x), _latency(figures, x), _classes(figures, x), _rightness(figures, x)]
    return [graph for graph in found if graph is not None and graph.lines]


def name_of(version: Version, models: int) -> str:
    """A version as a reader knows it."""
    text = f"version {version.number}" if version.number else "no answer"
    return f"{version.model}, {text}" if models > 1 else text.capitalize()


def _predictions(figures: Figures, x: list[float]) -> Graph:
    models = len({one.version.model for one in figures.versions})
    lines = [
        GraphLine(name=name_of(one.version, models), y=_floats(one.counts))
        for one in figures.versions
        if one.total
    ]
    if any(figures.failures):
        lines.append(GraphLine(name="Without an answer", y=_floats(figures.failures)))
    return Graph(name="predictions", title="Predictions", kind="bars", unit="", x=x, lines=lines)


def _latency(figures: Figures, x: list[float]) -> Graph | None:
    if not figures.answers:
        return None
    lines = [
        GraphLine(
            name=name,
            y=[
                None if value is None else round(1000 * value, 3)
                for value in (getattr(one, attribute) for one in figures.latencies)
            ],
        )
        for name, attribute in (("half within", "p50"), ("95 % within", "p95"), ("99 % within", "p99"))
    ]
    return Graph(name="latency", title="Time to the answer", kind="lines", unit="ms", x=x, lines=lines)


def _classes(figures: Figures, x: list[float]) -> Graph | None:
    if not figures.classes:
        return None
    totals = [sum(counts) for counts in zip(*figures.classes.values(), strict=True)]
    lines = [
        GraphLine(
            name=label,
            y=[100 * count / total if total else 0.0 for count, total in zip(counts, totals, strict=True)],
        )
        for label, counts in figures.classes.items()
    ]
    return Graph(name="classes", title="Answers by class", kind="bars", unit="%", x=x, lines=lines)


def _rightness(figures: Figures, x: list[float]) -> Graph | None:
    if not figures.feedback:
        return None
    by_begin: dict[datetime, float] = {
        one.at: 100 * one.right / one.count for one in figures.feedback if one.count
    }
    line = GraphLine(name="said to be right", y=[by_begin.get(begin) for begin in figures.begins])
    return Graph(name="rightness", title="Right by feedback", kind="lines", unit="%", x=x, lines=[line])


def _floats(counts: Sequence[int]) -> list[float | None]:
    return [float(count) for count in counts]
