"""Who is told that a job is over: decided and written in the transaction that ends it.

So nothing that ended goes untold, whatever dies next. A notice is there at once, as a row; what leaves the server is a
row of `deliveries` until it has arrived (`desk.deliveries`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.job import FINAL_STATES, JobState, Lane
from frontdesk.store import turns
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.telling_tables import deliveries, notices, webhooks, wishes

Row = sa.RowMapping | Mapping[str, Any]

_LONGEST_REASON = 500
_KINDS = frozenset({Lane.BATCH, Lane.TRAIN})
_OUTCOMES = frozenset({JobState.SUCCEEDED, JobState.FAILED})


class Channel(StrEnum):
    """How somebody is told outside the page."""

    MAIL = "mail"
    CHAT = "chat"
    WEBHOOK = "webhook"


class Wishes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants to be told: of which kinds of jobs, by which way, and of which ends.

    To begin with: in the page, of files and trainings that are processed or failed.
    """

    page: frozenset[Lane] = _KINDS
    mail: frozenset[Lane] = frozenset()
    chat: frozenset[Lane] = frozenset()
    outcomes: frozenset[JobState] = _OUTCOMES


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as its owner's page tells it. `job` is null where it is not about one."""

    id: str
    job: str | None
    kind: str
    title: str
    state: str
    reason: str | None
    at: datetime
    is_read: bool


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a delivery, in the form of the Standard Webhooks specification.

    `data` is about the job: id, kind, task, title, state, error. Nothing of its inputs or outputs is in it.
    """

    type: str
    timestamp: datetime
    data: dict[str, str | None]


_BEGIN_WITH = Wishes()
_wishes_of = sa.select(wishes).where(wishes.c.owner.in_(sa.bindparam("owners", expanding=True)))
_webhooks_of = sa.select(webhooks.c.id, webhooks.c.owner, webhooks.c.kinds, webhooks.c.outcomes).where(
    webhooks.c.owner.in_(sa.bindparam("owners", expanding=True)), webhooks.c.active == sa.true()
)


def tell(connection: sa.Connection, ended: Sequence[Row], state: JobState, error: str | None) -> None:
    """Write down whom to tell of these jobs (rows with id, owner, kind, task and title)."""
    owners = sorted({row["owner"] for row in ended})
    chosen = {row.owner: _read(row.data) for row in connection.execute(_wishes_of, {"owners": owners})}
    hooks = connection.execute(_webhooks_of, {"owners": owners}).all()
    at = now(connection)
    told: list[dict[str, Any]] = []
    leaving: list[dict[str, Any]] = []
    for row in ended:
        wish, kind = chosen.get(row["owner"], _BEGIN_WITH), Lane(row["kind"])
        ways = [
            (Channel.WEBHOOK, hook.id)
            for hook in hooks
            if hook.owner == row["owner"] and kind in hook.kinds and state in hook.outcomes
        ]
        if state in wish.outcomes:
            if kind in wish.page:
                told.append(_notice(row, state, error, at))
            ways += [
                (c, None)
                for c, kinds in ((Channel.MAIL, wish.mail), (Channel.CHAT, wish.chat))
                if kind in kinds
            ]
        if ways:
            body = _letter(row, state, error, at)
            leaving += [delivery(row["owner"], channel, body, at, webhook) for channel, webhook in ways]
    if told:
        connection.execute(sa.insert(notices), told)
    if leaving:
        connection.execute(sa.insert(deliveries), leaving)


def delivery(
    owner: str, channel: Channel, body: bytes, at: datetime, webhook: str | None = None
) -> dict[str, Any]:
    """A row of `deliveries` that is due at once."""
    return {
        "id": new_id(), "owner": owner, "channel": channel.value, "webhook": webhook, "body": body,
        "state": "waiting", "attempts": 0, "next_at": at, "created_at": at,
    }  # fmt: skip


def add_notice(connection: sa.Connection, owner: str, title: str, reason: str) -> None:
    """Tell an owner of something that is not about a job."""
    connection.execute(
        sa.insert(notices).values(
            id=new_id(), owner=owner, job=None, kind="notice", title=title, state="failed", reason=reason,
            at=now(connection), is_read=False,
        )
    )  # fmt: skip


def _notice(row: Row, state: JobState, error: str | None, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "owner": row["owner"], "job": row["id"], "kind": row["kind"],
        "title": row["title"] or row["task"], "state": state.value,
        "reason": error and error[:_LONGEST_REASON], "at": at, "is_read": False,
    }  # fmt: skip


def _letter(row: Row, state: JobState, error: str | None, at: datetime) -> bytes:
    ended: dict[str, str | None] = {name: row[name] for name in ("id", "kind", "task", "title")}
    ended |= {"state": state.value, "error": error and error[:_LONGEST_REASON]}
    return msgspec.json.encode(Letter(type=f"job.{state}", timestamp=at, data=ended))


def _read(data: dict[str, Any]) -> Wishes:
    return msgspec.convert(data, Wishes)


class Telling:
    """What an owner does about it: read notices, choose what to be told."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wishes(self, owner: str) -> Wishes:
        """What this owner wants to be told."""
        with self._database.read() as connection:
            row = connection.execute(_wishes_of, {"owners": [owner]}).first()
        return _BEGIN_WITH if row is None else _read(row.data)

    def choose(self, owner: str, wanted: Wishes) -> None:
        """Be told this from now on. Only ends can be told of."""
        data = msgspec.to_builtins(
            msgspec.structs.replace(wanted, outcomes=wanted.outcomes & FINAL_STATES), order="sorted"
        )

        def write(connection: sa.Connection) -> None:
            turns.take(connection, [f"wishes of {owner}"])
            connection.execute(sa.delete(wishes).where(wishes.c.owner == owner))
            connection.execute(sa.insert(wishes).values(owner=owner, data=data))

        self._database.write(write)

    def notices(self, owner: str, *, limit: int, before: str | None = None) -> list[Notice]:
        """The newest, or those older than the notice `before`."""
        query = sa.select(notices).where(notices.c.owner == owner).order_by(notices.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(notices.c.id < before)
        with self._database.read() as connection:
            return [_notice_of(row) for row in connection.execute(query).mappings()]

    def unread(self, owner: str, *, limit: int = 100) -> list[Notice]:
        """The newest of those that were not read."""
        query = (
            sa.select(notices)
            .where(notices.c.owner == owner, notices.c.is_read == sa.false())
            .order_by(notices.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_notice_of(row) for row in connection.execute(query).mappings()]

    def read(self, owner: str, ids: Iterable[str] | None) -> None:
        """These were read; None is all there are. Others' stay as they are."""
        change = sa.update(notices).where(notices.c.owner == owner, notices.c.is_read == sa.false())
        if ids is not None:
            change = change.where(notices.c.id.in_([*ids]))
        self._database.write(lambda c: c.execute(change.values(is_read=True)), durable=False)


def _notice_of(row: sa.RowMapping) -> Notice:
    return Notice(**{name: row[name] for name in Notice.__struct_fields__})
