"""What is on its way out of the server: claimed, sent, tried again, given up.

Claiming moves the time of the next try past the lease. So a sender that dies costs only that time, two never send the
same at once, and a message goes out at least once, always under the same id, by which its receiver knows it again.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.telling import Channel, add_notice
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.telling_tables import deliveries, notices, webhooks

LEASE_S = 60.0
_KEPT_DAYS = 30
_PRUNED_AT_ONCE = 1000
# The schedule that the Standard Webhooks specification recommends: the last try is about three days after the first.
_PAUSES_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_DISABLED_AFTER = timedelta(days=3)
_LONGEST_ERROR = 300
GONE = 410


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be sent now. `attempt` counts from 1; `url` and `secret` are of its webhook."""

    id: str
    owner: str
    channel: Channel
    body: bytes
    attempt: int
    webhook: str | None
    url: str
    secret: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a try: nothing wrong, or `error`. `is_final`: another try would change nothing."""

    error: str | None = None
    status: int | None = None
    took_ms: int = 0
    is_final: bool = False


class Deliveries:
    """Claim, settle, prune."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, limit: int) -> list[Outgoing]:
        """Messages that are due, for LEASE_S seconds."""
        with self._database.read() as connection:
            due = sa.select(deliveries.c.id).where(deliveries.c.next_at <= now(connection)).limit(1)
            if connection.execute(due).first() is None:
                return []

        def write(connection: sa.Connection) -> list[Outgoing]:
            at = now(connection)
            query = (
                sa.select(deliveries)
                .where(deliveries.c.next_at <= at)
                .order_by(deliveries.c.next_at)
                .limit(limit)
            )
            rows = connection.execute(query.with_for_update(skip_locked=True)).mappings().all()
            if not rows:
                return []
            connection.execute(
                sa.update(deliveries)
                .where(deliveries.c.id.in_([row["id"] for row in rows]))
                .values(
                    next_at=at + timedelta(seconds=LEASE_S),
                    attempts=deliveries.c.attempts + 1,
                )
            )
            targets = sa.select(webhooks).where(
                webhooks.c.id.in_({row["webhook"] for row in rows}), webhooks.c.active == sa.true()
            )
            by_id = {row["id"]: row for row in connection.execute(targets).mappings()}
            return [_outgoing(row, by_id.get(row["webhook"])) for row in rows]

        return self._database.write(write, durable=False)

    def next_due_s(self) -> float | None:
        """Seconds until something is due; None when nothing waits."""
        with self._database.read() as connection:
            first = connection.execute(sa.select(sa.func.min(deliveries.c.next_at))).scalar()
            return None if first is None else max((first - now(connection)).total_seconds(), 0.0)

    def settle(self, sent: Outgoing, result: Result) -> None:
        """Write down what came of it. Whoever lost the lease writes nothing."""
        is_over = result.error is None or result.is_final or sent.attempt > len(_PAUSES_S)
        state = "sent" if result.error is None else "given_up" if is_over else "waiting"
        pause_s = 0.0 if is_over else _PAUSES_S[sent.attempt - 1] * random.uniform(0.9, 1.1)

        def write(connection: sa.Connection) -> None:
            at = now(connection)
            mine = (deliveries.c.id == sent.id, deliveries.c.attempts == sent.attempt)
            changed = connection.execute(
                sa.update(deliveries)
                .where(*mine, deliveries.c.state == "waiting")
                .values(
                    state=state, status=result.status, took_ms=result.took_ms, tried_at=at,
                    error=result.error and result.error[:_LONGEST_ERROR],
                    next_at=None if is_over else at + timedelta(seconds=pause_s),
                )
            )  # fmt: skip
            if changed.rowcount and sent.webhook is not None:
                _note_health(connection, sent, result, at)

        self._database.write(write)

    def prune(self) -> None:
        """Forget notices and deliveries that are past their time, some at a time."""
        for table, at, is_over in (
            (notices, notices.c.at, sa.true()),
            (deliveries, deliveries.c.created_at, deliveries.c.next_at.is_(None)),
        ):
            while ids := self._old(table, at, is_over):
                gone = sa.delete(table).where(table.c.id.in_(ids))
                self._database.write(partial(sa.Connection.execute, statement=gone), durable=False)

    def _old(self, table: sa.Table, at: sa.Column[datetime], is_over: sa.ColumnElement[bool]) -> list[Any]:
        with self._database.read() as connection:
            end = now(connection) - timedelta(days=_KEPT_DAYS)
            query = sa.select(table.c.id).where(at < end, is_over).order_by(at).limit(_PRUNED_AT_ONCE)
            return list(connection.execute(query).scalars())


def _outgoing(row: sa.RowMapping, webhook: sa.RowMapping | None) -> Outgoing:
    return Outgoing(
        id=row["id"], owner=row["owner"], channel=Channel(row["channel"]), body=row["body"],
        attempt=row["attempts"] + 1, webhook=row["webhook"],
        url=webhook["url"] if webhook is not None else "", secret=webhook["secret"] if webhook is not None else "",
    )  # fmt: skip


def _note_health(connection: sa.Connection, sent: Outgoing, result: Result, at: datetime) -> None:
    """A webhook whose messages have not arrived for days, or which says it is gone, is put out of work."""
    row = (
        connection.execute(sa.select(webhooks).where(webhooks.c.id == sent.webhook).with_for_update())
        .mappings()
        .first()
    )
    if row is None:
        return
    values: dict[str, Any] = {"failing_since": None}
    if result.error is not None:
        since = row["failing_since"] or at
        is_lost = result.status == GONE or at - since > _DISABLED_AFTER
        values = {"failing_since": since, **({"active": False} if is_lost else {})}
        if is_lost and row["active"]:
            add_notice(
                connection,
                sent.owner,
                f"The webhook {row['name'] or row['url']} is paused",
                f"Nothing arrives there any more: {result.error}",
            )
    connection.execute(sa.update(webhooks).where(webhooks.c.id == sent.webhook).values(**values))
