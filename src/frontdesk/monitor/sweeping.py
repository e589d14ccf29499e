"""Adding minutes up to hours and hours to days, and letting go of what is past its time; a piece at a time.

Rows are taken and their sum is written in one transaction, so a crash loses none and counts none twice. An hour may
have several rows: each sweep that finds minutes of it makes one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from frontdesk.monitor.keeping import MINUTE_S, KeepLimits
from frontdesk.monitor.tallies import Tally, decoded, encoded
from frontdesk.store.clock import now as moment
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.monitor_tables import feedback, periods, predictions

HOUR_S, DAY_S = 3600, 86_400
_LADDER = ((MINUTE_S, HOUR_S, timedelta(hours=3)), (HOUR_S, DAY_S, timedelta(days=9)))
_AT_ONCE = 200
_ROUNDS = 50
_EVERY_S = 60.0


class Sweeps:
    """What a sweeper calls now and then."""

    def __init__(self, database: Database, limits: KeepLimits) -> None:
        self._database, self._limits = database, limits
        self._next_at = 0.0

    def sweep(self, now: datetime | None = None) -> None:
        """Add up what is old, delete what is too old or too much. Without `now`, once a minute is enough."""
        if now is None:
            if time.monotonic() < self._next_at:
                return
            self._next_at = time.monotonic() + _EVERY_S
            with self._database.read() as connection:
                now = moment(connection)
        for step_s, longer_s, age in _LADDER:
            for _ in range(_ROUNDS):
                if not self._add_up(step_s, longer_s, now - age):
                    break
        if self._limits.days:
            oldest = now - timedelta(days=self._limits.days)
            for step_s in (MINUTE_S, HOUR_S, DAY_S):
                self._delete(periods.c.id, periods.c.step_s == step_s, periods.c.at < oldest)
            self._delete(predictions.c.id, predictions.c.at < oldest)
            self._delete(feedback.c.prediction, feedback.c.at < oldest)
        for task, newest in self._beyond():
            self._delete(predictions.c.id, predictions.c.task == task, predictions.c.id <= newest)

    def _add_up(self, step_s: int, longer_s: int, before: datetime) -> bool:
        limit = datetime.fromtimestamp(before.timestamp() // longer_s * longer_s, UTC)
        is_old = sa.and_(periods.c.step_s == step_s, periods.c.at < limit)
        with self._database.read() as connection:
            ids = (
                connection.execute(
                    sa.select(periods.c.id).where(is_old).order_by(periods.c.at).limit(_AT_ONCE)
                )
                .scalars()
                .all()
            )
        if ids:
            self._database.write(lambda connection: _replace(connection, ids, longer_s))
        return bool(ids)

    def _beyond(self) -> list[tuple[str, str]]:
        """The tasks of which too much is kept, and the newest question of each that is one too many."""
        found: list[tuple[str, str]] = []
        with self._database.read() as connection:
            tasks = connection.execute(sa.select(predictions.c.task).distinct()).scalars().all()
            for task in tasks:
                query = sa.select(predictions.c.id).where(predictions.c.task == task)
                one = query.order_by(predictions.c.id.desc()).offset(self._limits.rows).limit(1)
                newest = connection.execute(one).scalar()
                found += [] if newest is None else [(task, newest)]
        return found

    def _delete(self, key: sa.Column[str], *conditions: sa.ColumnElement[bool]) -> None:
        query = sa.select(key).where(*conditions).limit(_AT_ONCE)
        for _ in range(_ROUNDS):
            with self._database.read() as connection:
                ids = connection.execute(query).scalars().all()
            if not ids:
                return
            gone = sa.delete(key.table).where(key.in_(ids))
            self._database.write(gone_of(gone))


def gone_of(statement: sa.Delete) -> Callable[[sa.Connection], int]:
    """Carries it out; gives how many rows went."""
    return lambda connection: connection.execute(statement).rowcount


def _replace(connection: sa.Connection, ids: Sequence[str], longer_s: int) -> None:
    """Put the sum of these rows in their place: of those that no other sweep has taken meanwhile."""
    query = sa.select(periods).where(periods.c.id.in_(ids)).with_for_update()
    sums: dict[tuple[str, str, int, float], Tally] = {}
    rows = connection.execute(query).all()
    for row in sorted(rows, key=lambda row: row.at):
        begin = row.at.timestamp() // longer_s * longer_s
        sums.setdefault((row.task, row.model, row.version, begin), Tally()).add(decoded(row.data))
    if not rows:
        return
    connection.execute(sa.delete(periods).where(periods.c.id.in_([row.id for row in rows])))
    connection.execute(sa.insert(periods), [
        {
            "id": new_id(), "task": task, "model": model, "version": version, "step_s": longer_s,
            "at": datetime.fromtimestamp(begin, UTC), "data": encoded(tally),
        }
        for (task, model, version, begin), tally in sums.items()
    ])  # fmt: skip
