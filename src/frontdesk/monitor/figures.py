"""What the Monitor tab shows: counts, times, answers and feedback over a span, and drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum

import msgspec
import sqlalchemy as sa

from frontdesk.catalog.profile_rows import Profiles
from frontdesk.catalog.profiles import Profile
from frontdesk.monitor.drift import InputDrift, drifts
from frontdesk.monitor.feedback import Feedback, Rightness
from frontdesk.monitor.tallies import Tally, decoded
from frontdesk.store.clock import now as moment
from frontdesk.store.database import Database
from frontdesk.store.monitor_tables import periods as table

_CLASSES_SHOWN = 12


class Span(StrEnum):
    """How far back to look."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def step_s(self) -> int:
        """How long each of its stretches is. All begin at whole multiples of that in UTC."""
        return {Span.HOUR: 60, Span.DAY: 3600, Span.WEEK: 6 * 3600, Span.MONTH: 86_400}[self]

    @property
    def steps(self) -> int:
        """How many stretches it has, the one that is not over among them."""
        return {Span.HOUR: 60, Span.DAY: 24, Span.WEEK: 28, Span.MONTH: 30}[self]

    def begins(self, now: datetime) -> list[datetime]:
        """When each of its stretches begins."""
        last = int(now.timestamp()) // self.step_s * self.step_s
        first = last - (self.steps - 1) * self.step_s
        return [
            datetime.fromtimestamp(moment, UTC) for moment in range(first, last + self.step_s, self.step_s)
        ]


class Version(msgspec.Struct, frozen=True, order=True):
    """A version that was asked; 0 where a model failed before it was known which."""

    model: str
    number: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One version's answers in each stretch, and of all together how many."""

    version: Version
    counts: list[int]
    total: int


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from question to answer, within which half, 95 % and 99 % had it. Null where nobody asked."""

    p50: float | None
    p95: float | None
    p99: float | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one task over a span.

    `classes` counts answers by label in each stretch, of the `looked_at` questions that were looked into.
    `drift_of` is the version whose inputs `drift` compares, by its `profile`, with what it learned from.
    """

    span: Span
    begins: list[datetime]
    answers: int
    errors: int
    looked_at: int
    versions: list[Asked]
    failures: list[int]
    latency: Quantiles
    latencies: list[Quantiles]
    classes: dict[str, list[int]]
    feedback: list[Rightness]
    drift_of: Version | None
    profile: Profile | None
    drift: list[InputDrift]


class Watching:
    """Reads figures."""

    def __init__(self, database: Database, feedback: Feedback) -> None:
        self._database, self._feedback = database, feedback
        self.profiles = Profiles(database)

    def figures(
        self, task: str, span: Span, model: str | None = None, version: int | None = None,
        now: datetime | None = None,
    ) -> Figures:  # fmt: skip
        """What happened, of one model or version only where one is named."""
        if now is None:
            with self._database.read() as connection:
                now = moment(connection)
        begins = span.begins(now)
        by_step = [Tally() for _ in begins]
        by_version: dict[Version, list[Tally]] = {}
        for key, at, tally in self._read(task, begins[0], model, version):
            place = min(max(int((at - begins[0]).total_seconds()) // span.step_s, 0), len(begins) - 1)
            by_step[place].add(tally)
            if key not in by_version:
                by_version[key] = [Tally() for _ in begins]
            by_version[key][place].add(tally)
        total = Tally()
        for tally in by_step:
            total.add(tally)
        asked = [_asked(key, tallies) for key, tallies in sorted(by_version.items())]
        drift_of, profile, drift = self._drift(task, asked, by_version)
        return Figures(
            span=span,
            begins=begins,
            answers=total.count,
            errors=total.errors,
            looked_at=total.looked_at,
            versions=[one for one in asked if one.total],
            failures=[tally.errors for tally in by_step],
            latency=_quantiles(total),
            latencies=[_quantiles(tally) for tally in by_step],
            classes=_classes(by_step, total),
            feedback=self._feedback.rightness(task, begins[0], span.step_s, model, version),
            drift_of=drift_of,
            profile=profile,
            drift=drift,
        )

    def _read(
        self, task: str, since: datetime, model: str | None, version: int | None
    ) -> Iterator[tuple[Version, datetime, Tally]]:
        conditions = [table.c.task == task, table.c.at >= since]
        if model is not None:
            conditions.append(table.c.model == model)
        if version is not None:
            conditions.append(table.c.version == version)
        query = sa.select(table.c.model, table.c.version, table.c.at, table.c.data).where(*conditions)
        with self._database.read() as connection:
            for row in connection.execute(query.execution_options(yield_per=500)):
                yield Version(row.model, row.version), row.at, decoded(row.data)

    def _drift(
        self, task: str, asked: list[Asked], by_version: Mapping[Version, list[Tally]]
    ) -> tuple[Version | None, Profile | None, list[InputDrift]]:
        """Of the version that was asked most."""
        if not asked:
            return None, None, []
        most = max(asked, key=lambda one: one.total).version
        profile = self.profiles.get(task, most.model, most.number)
        if profile is None:
            return most, None, []
        bins: dict[str, dict[int, int]] = {}
        for tally in by_version[most]:
            for name, counts in (tally.inputs if tally.profile == profile.id else {}).items():
                mine = bins.setdefault(name, {})
                for place, count in counts.items():
                    mine[place] = mine.get(place, 0) + count
        return most, profile, drifts(profile, bins)


def _asked(key: Version, tallies: list[Tally]) -> Asked:
    counts = [tally.count for tally in tallies]
    return Asked(version=key, counts=counts, total=sum(counts))


def _quantiles(tally: Tally) -> Quantiles:
    return Quantiles(p50=tally.quantile_s(0.5), p95=tally.quantile_s(0.95), p99=tally.quantile_s(0.99))


def _classes(by_step: list[Tally], total: Tally) -> dict[str, list[int]]:
    """The labels given most, and the others together."""
    ranked = sorted(total.classes, key=lambda label: -total.classes[label])
    shown, rest = ranked[:_CLASSES_SHOWN], ranked[_CLASSES_SHOWN:]
    classes = {label: [tally.classes.get(label, 0) for tally in by_step] for label in shown}
    if rest:
        others = [sum(tally.classes.get(label, 0) for label in rest) for tally in by_step]
        classes["others"] = others
    return classes
