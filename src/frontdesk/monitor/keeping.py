"""Writing down what was counted: a row for each version and minute, and a sample of questions with their answers.

The sample has room for so many questions of a task a day. The room grows with the hours, so that a busy
morning does not use up what belongs to the evening; what people ask on the page is kept before what programs ask.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.catalog.profile_rows import Profiles
from frontdesk.catalog.profiles import OTHERS, Profile, summary
from frontdesk.declare.output_kinds import ClassificationOut
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import StoreUnavailable
from frontdesk.monitor.receipts import Key
from frontdesk.monitor.rows import Said, kept_inputs, kept_outputs, said_of
from frontdesk.monitor.tallies import Tally, encoded
from frontdesk.store.clock import now as moment
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.monitor_tables import periods, predictions

MINUTE_S = 60
_PROFILE_KEPT_S = 30.0
_DAY_S = 86_400.0
_BURST_SHARE = 0.1
_UNWRITTEN_MOST = 2000

Inputs = Mapping[str, Any] | msgspec.Struct


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepLimits:
    """How much is kept of what was asked. Without `rows_a_day` there are only counts."""

    rows_a_day: int = 10_000
    rows: int = 100_000
    days: float = 90.0


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One question that is looked into. `is_wanted`: a person asked, so it is kept before others are."""

    id: str
    owner: str
    at: float
    took_s: float
    inputs: Inputs
    outputs: bytes
    is_wanted: bool


@dataclass(slots=True)
class _Period:
    """What a row is to hold. It is this process's alone, so writing it again is enough."""

    tally: Tally = field(default_factory=Tally)
    id: str = field(default_factory=new_id)
    is_written: bool = False


@dataclass(slots=True)
class _Room:
    """How many questions of a task may be kept now."""

    left: float
    since: float


class Keeper:
    """Synchronous, and for one thread at a time."""

    def __init__(self, database: Database, cards: Mapping[str, TaskCard], limits: KeepLimits) -> None:
        self._database, self._cards, self._limits = database, cards, limits
        self._profiles = Profiles(database)
        self._known: dict[Key, tuple[float, Profile | None]] = {}
        self._periods: dict[tuple[Key, datetime], _Period] = {}
        self._rooms: dict[str, _Room] = {}
        self._ahead_s: float | None = None  # by how much the database's clock is ahead of this machine's

    def keep(
        self, tallies: Mapping[Key, Tally], seen: Mapping[Key, Iterable[Seen]], now: float = 0.0
    ) -> None:
        """Write it down. Raises StoreUnavailable; then the counts wait, and the questions are let go."""
        now = now or self._now()
        at = datetime.fromtimestamp(now - now % MINUTE_S, UTC)
        rows: list[dict[str, Any]] = []
        touched: set[tuple[Key, datetime]] = {
            place for place, period in self._periods.items() if not period.is_written
        }
        for key, tally in tallies.items():
            rows += self._look(key, tally, seen.get(key, ()), now)
            self._periods.setdefault((key, at), _Period()).tally.add(tally)
            touched.add((key, at))
        if not touched:
            return
        try:
            self._database.write(lambda connection: self._write(connection, touched, rows), durable=False)
        except BaseException:
            for place in touched:
                self._periods[place].is_written = False
            self._bound()
            raise
        for place in touched:
            self._periods[place].is_written = True
        self._periods = {place: period for place, period in self._periods.items() if place[1] >= at}

    def _write(
        self, connection: sa.Connection, touched: set[tuple[Key, datetime]], rows: list[dict[str, Any]]
    ) -> None:
        self._set_clock(connection)
        new: list[dict[str, Any]] = []
        for (task, model, version), at in touched:
            period = self._periods[(task, model, version), at]
            data = encoded(period.tally)
            here = sa.update(periods).where(periods.c.id == period.id).values(data=data)
            if connection.execute(here).rowcount == 0:
                new.append({
                    "id": period.id, "task": task, "model": model, "version": version,
                    "step_s": MINUTE_S, "at": at, "data": data,
                })  # fmt: skip
        if new:
            connection.execute(sa.insert(periods), new)
        if rows and (fresh := _fresh(connection, rows)):
            connection.execute(sa.insert(predictions), fresh)

    def _now(self) -> float:
        """The time by the database's clock; by this machine's as long as that is not known."""
        if self._ahead_s is None:
            with contextlib.suppress(StoreUnavailable), self._database.read() as connection:
                self._set_clock(connection)
        return time.time() + (self._ahead_s or 0.0)

    def _set_clock(self, connection: sa.Connection) -> None:
        self._ahead_s = moment(connection).timestamp() - time.time()

    def _bound(self) -> None:
        """However long the database is away, memory has an end."""
        while len(self._periods) > _UNWRITTEN_MOST:
            del self._periods[min(self._periods, key=lambda place: place[1])]

    # ------------------------------------------------------------------------- looking into some

    def _look(self, key: Key, tally: Tally, seen: Iterable[Seen], now: float) -> list[dict[str, Any]]:
        """Count what was asked and answered; give the rows of those that are kept."""
        card = self._cards.get(key[0])
        chosen = list(seen)
        if card is None or not chosen:
            return []
        said = [said_of(card.signature.outputs, one.outputs) for one in chosen]
        tally.looked_at = len(chosen)
        tally.classes = dict(_classes(card, said))
        profile = self._profile(key)
        values = [
            msgspec.structs.asdict(one.inputs) if isinstance(one.inputs, msgspec.Struct) else one.inputs
            for one in chosen
        ]
        if profile is not None:
            tally.profile, tally.inputs = profile.id, _binned(card, profile, values)
        kept: list[dict[str, Any]] = []
        for one, inputs, told in zip(chosen, values, said, strict=True):
            if self._has_room(key[0], one.is_wanted, now):
                kept.append({
                    "id": one.id, "owner": one.owner, "task": key[0], "model": key[1], "version": key[2],
                    "at": datetime.fromtimestamp(one.at + (self._ahead_s or 0.0), UTC), "took_s": one.took_s,
                    "inputs": kept_inputs(inputs), "outputs": kept_outputs(told),
                })  # fmt: skip
        return kept

    def _profile(self, key: Key) -> Profile | None:
        until, profile = self._known.get(key, (0.0, None))
        if until < time.monotonic():
            with contextlib.suppress(StoreUnavailable):  # counts go on without it, or with the one of before
                profile = self._profiles.get(*key)
                self._known[key] = (time.monotonic() + _PROFILE_KEPT_S, profile)
        return profile

    def _has_room(self, task: str, is_wanted: bool, now: float) -> bool:
        a_day = self._limits.rows_a_day
        if not a_day:
            return False
        most = max(a_day * _BURST_SHARE, 1.0)
        room = self._rooms.setdefault(task, _Room(most, now))
        room.left = min(room.left + (now - room.since) * a_day / _DAY_S, most)
        room.since = now
        if room.left < 1 and not (is_wanted and room.left > -most):
            return False
        room.left -= 1
        return True


def _fresh(connection: sa.Connection, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are not kept yet: a job whose worker was lost is answered again, under the same id."""
    by_id = {row["id"]: row for row in rows}
    known = sa.select(predictions.c.id).where(predictions.c.id.in_(by_id))
    for kept in connection.execute(known).scalars().all():
        del by_id[kept]
    return [*by_id.values()]


def _classes(card: TaskCard, said: Iterable[Mapping[str, Said]]) -> Counter[str]:
    """How often each label was the answer, of the first output that has labels."""
    name = next((out.name for out in card.signature.outputs if isinstance(out.kind, ClassificationOut)), None)
    if name is None:
        return Counter()
    return Counter(str(told[name].answer) if name in told else OTHERS for told in said)


def _binned(card: TaskCard, profile: Profile, values: list[Mapping[str, Any]]) -> dict[str, dict[int, int]]:
    """How many questions fall into each bin of each input that the profile knows."""
    binned: dict[str, dict[int, int]] = {}
    for item in card.signature.inputs:
        known = profile.inputs.get(item.name)
        if known is None:
            continue
        told = [summary(item.kind, one.get(item.name)) for one in values]
        binned[item.name] = dict(Counter(known.places([one for one in told if one is not None])))
    return binned
