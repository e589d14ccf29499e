"""Feedback: whose a prediction is, what they said of it, and how often answers were right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.errors import NotFound
from frontdesk.monitor.judging import Judgement
from frontdesk.monitor.receipts import Key, Receipts, made_at
from frontdesk.monitor.rows import Said, outputs_of
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import first_id
from frontdesk.store.monitor_tables import feedback as table
from frontdesk.store.monitor_tables import predictions
from frontdesk.store.tables import versions

_ATTEMPTS = 3
_MICROSECONDS = 1_000_000
VERSIONS_TRIED = 2000
_APART = timedelta(hours=1)
"""The clocks of two machines differ by less: an id has the time of whoever made it."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction as far as it is known. `said` is None where its answer was not kept."""

    id: str
    owner: str
    task: str
    model: str
    version: int
    at: datetime
    said: dict[str, Said] | None = None


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a prediction, and when."""

    is_right: bool
    truth: dict[str, Any]
    given_at: datetime


class Rightness(msgspec.Struct, frozen=True, kw_only=True):
    """How often answers that were asked for in one stretch of time were right, of those somebody spoke about."""

    at: datetime
    count: int
    right: int
    off_by: float | None


class Feedback:
    """Synchronous, as all that asks the database is."""

    def __init__(self, database: Database, receipts: Receipts) -> None:
        self._database, self._receipts = database, receipts

    def find(self, prediction: str, owner: str, known: Iterable[Key]) -> Asked:
        """A prediction of this owner: one that was kept, or whose id proves that one of the `known` made it.

        Raises NotFound for one of somebody else's as for one that never was. The last versions that were made here
        before it are known anyway: so many that a request for any id costs the same, however many there ever were.
        """
        at = made_at(prediction)
        query = sa.select(predictions).where(predictions.c.id == prediction)
        if at is None:
            raise NotFound("There is no such prediction.")
        with self._database.read() as connection:
            row = connection.execute(query).first()
            made = [] if row else [tuple(found) for found in connection.execute(_made_before(at))]
        if row is not None and row.owner == owner:
            return Asked(
                id=row.id, owner=owner, task=row.task, model=row.model, version=row.version, at=row.at,
                said=outputs_of(row.outputs),
            )  # fmt: skip
        key = None if row else self._receipts.key_of(prediction, owner, dict.fromkeys([*known, *made]))
        if key is None:
            raise NotFound("There is no such prediction.")
        return Asked(id=prediction, owner=owner, task=key[0], model=key[1], version=key[2], at=at)

    def give(self, asked: Asked, judgement: Judgement) -> Given:
        """Note it, in place of what was said before; it is on the disk when this returns."""
        values = {
            "is_right": judgement.is_right,
            "off_by": judgement.off_by,
            "truth": msgspec.json.encode(judgement.truth) if judgement.truth else None,
        }
        new = {
            "prediction": asked.id, "owner": asked.owner, "task": asked.task, "model": asked.model,
            "version": asked.version, "at": asked.at, **values,
        }  # fmt: skip
        here = sa.update(table).where(table.c.prediction == asked.id, table.c.owner == asked.owner)

        def write(connection: sa.Connection) -> datetime:
            given_at = now(connection)
            if connection.execute(here.values(**values, given_at=given_at)).rowcount == 0:
                connection.execute(sa.insert(table).values(**new, given_at=given_at))
            return given_at

        for attempt in range(_ATTEMPTS):
            try:
                given_at = self._database.write(write)
                break
            except sa.exc.IntegrityError:  # said twice at the same moment
                if attempt == _ATTEMPTS - 1:
                    raise
        return Given(is_right=judgement.is_right, truth=dict(judgement.truth), given_at=given_at)

    def given(self, prediction: str, owner: str) -> Given | None:
        """What this owner said of a prediction, if anything."""
        query = sa.select(table).where(table.c.prediction == prediction, table.c.owner == owner)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        truth = msgspec.json.decode(row.truth, type=dict[str, Any]) if row.truth else {}
        return Given(is_right=bool(row.is_right), truth=truth, given_at=row.given_at)

    def rightness(
        self, task: str, since: datetime, step_s: int, model: str | None, version: int | None
    ) -> list[Rightness]:
        """By stretches of `step_s`, those without feedback left out."""
        moment = sa.type_coerce(table.c.at, sa.BigInteger)
        begin = (moment - moment % (step_s * _MICROSECONDS)).label("begin")
        query = (
            sa.select(
                begin,
                sa.func.count().label("number"),
                sa.func.sum(sa.case((table.c.is_right, 1), else_=0)).label("right_ones"),
                sa.func.avg(table.c.off_by).label("off_by"),
            )
            .where(*_of(task, model, version), table.c.at >= since)
            .group_by(begin)
            .order_by(begin)
        )
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [
            Rightness(
                at=datetime.fromtimestamp(row.begin / _MICROSECONDS, UTC),
                count=row.number,
                right=int(row.right_ones),
                off_by=None if row.off_by is None else float(row.off_by),
            )
            for row in found
        ]


def _made_before(moment: datetime) -> sa.Select[Any]:
    """The last versions made before it, by their primary key, which is in the order of time."""
    return (
        sa.select(versions.c.task, versions.c.model, versions.c.number)
        .where(versions.c.id < first_id(moment + _APART))
        .order_by(versions.c.id.desc())
        .limit(VERSIONS_TRIED)
    )


def _of(task: str, model: str | None, version: int | None) -> list[sa.ColumnElement[bool]]:
    wanted: Mapping[sa.Column[Any], Any] = {
        table.c.task: task, table.c.model: model, table.c.version: version,
    }  # fmt: skip
    return [column == value for column, value in wanted.items() if value is not None]
