"""Webhooks: addresses that are told when an owner's jobs end, and the log of what was sent there."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.desk.job import FINAL_STATES, JobState, Lane
from frontdesk.desk.targets import Network, check_url
from frontdesk.desk.telling import Channel, Letter, delivery
from frontdesk.errors import Conflict, Fault, InvalidInput, NotFound
from frontdesk.store import turns
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.telling_tables import deliveries, webhooks

MOST = 20
LOGGED = 50
_SECRET_BYTES = 32
_LONGEST_NAME = 200


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address that is told. `failing_since` is null as long as what is sent arrives."""

    id: str
    name: str
    url: str
    kinds: frozenset[Lane]
    outcomes: frozenset[JobState]
    active: bool
    created_at: datetime
    failing_since: datetime | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message. `state`: waiting, sent, given_up. `status` is of the last HTTP answer."""

    id: str
    type: str
    state: str
    attempts: int
    status: int | None
    error: str | None
    took_ms: int | None
    created_at: datetime
    tried_at: datetime | None
    next_at: datetime | None


class Webhooks:
    """Add, change, remove, try; the log, and sending again. An owner's own only: others' are NotFound."""

    def __init__(self, database: Database, allowed: Sequence[Network]) -> None:
        self._database, self._allowed = database, allowed

    def list(self, owner: str) -> list[Webhook]:
        """All of an owner's, the oldest first."""
        query = sa.select(webhooks).where(webhooks.c.owner == owner).order_by(webhooks.c.id)
        with self._database.read() as connection:
            return [_webhook(row) for row in connection.execute(query).mappings()]

    def get(self, webhook_id: str, owner: str) -> Webhook:
        """One of them. Raises NotFound."""
        with self._database.read() as connection:
            return _webhook(_find(connection, webhook_id, owner))

    def add(
        self, owner: str, url: str, name: str, kinds: frozenset[Lane], outcomes: frozenset[JobState]
    ) -> tuple[Webhook, str]:
        """A new one, and the secret its messages are signed with. Raises InvalidInput, Conflict."""
        self._check(url, name, kinds, outcomes)
        secret = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
        row = {
            "id": new_id(), "owner": owner, "name": name, "url": url, "secret": secret, "kinds": sorted(kinds),
            "outcomes": sorted(outcomes), "active": True, "failing_since": None,
        }  # fmt: skip

        def write(connection: sa.Connection) -> Webhook:
            turns.take(connection, [f"webhooks of {owner}"])
            count = sa.select(sa.func.count()).select_from(webhooks).where(webhooks.c.owner == owner)
            if connection.execute(count).scalar_one() >= MOST:
                raise Conflict(f"There are {MOST} webhooks already, and no more are kept.")
            made = {**row, "created_at": now(connection)}
            connection.execute(sa.insert(webhooks).values(**made))
            return _webhook(made)

        return self._database.write(write), secret

    def change(self, webhook_id: str, owner: str, **changes: Any) -> Webhook:
        """Change name, url, kinds, outcomes or active. One that is put to work again begins with a clean record."""
        before = self.get(webhook_id, owner)
        after = msgspec.structs.replace(before, **changes)
        self._check(after.url, after.name, after.kinds, after.outcomes, is_new=after.url != before.url)
        values: dict[str, Any] = {
            "name": after.name, "url": after.url, "kinds": sorted(after.kinds),
            "outcomes": sorted(after.outcomes), "active": after.active,
        }  # fmt: skip
        if after.active and not before.active:
            values["failing_since"] = None

        def write(connection: sa.Connection) -> Webhook:
            connection.execute(sa.update(webhooks).where(webhooks.c.id == webhook_id).values(**values))
            return _webhook(_find(connection, webhook_id, owner))

        return self._database.write(write)

    def remove(self, webhook_id: str, owner: str) -> None:
        """Forget it, and what is on its way there."""

        def write(connection: sa.Connection) -> None:
            _find(connection, webhook_id, owner)
            connection.execute(sa.delete(deliveries).where(deliveries.c.webhook == webhook_id))
            connection.execute(sa.delete(webhooks).where(webhooks.c.id == webhook_id))

        self._database.write(write)

    def test(self, webhook_id: str, owner: str) -> str:
        """Send a message that is about nothing; give the delivery's id."""
        with self._database.read() as connection:
            at = now(connection)
        body = msgspec.json.encode(Letter(type="test", timestamp=at, data={"text": "This is a test."}))
        return self._send(webhook_id, owner, body)

    def log(self, webhook_id: str, owner: str) -> Sequence[Delivery]:
        """The newest deliveries."""
        query = (
            sa.select(deliveries)
            .where(deliveries.c.webhook == webhook_id)
            .order_by(deliveries.c.id.desc())
            .limit(LOGGED)
        )
        with self._database.read() as connection:
            _find(connection, webhook_id, owner)
            return [_delivery(row) for row in connection.execute(query).mappings()]

    def replay(self, webhook_id: str, owner: str, delivery_id: str) -> str:
        """Send the same message once more, under an id of its own; give that."""
        query = sa.select(deliveries.c.body).where(
            deliveries.c.id == delivery_id, deliveries.c.webhook == webhook_id
        )
        with self._database.read() as connection:
            _find(connection, webhook_id, owner)
            body = connection.execute(query).scalar()
        if body is None:
            raise NotFound("There is no such delivery.")
        return self._send(webhook_id, owner, body)

    def _send(self, webhook_id: str, owner: str, body: bytes) -> str:
        def write(connection: sa.Connection) -> str:
            if not _find(connection, webhook_id, owner)["active"]:
                raise Conflict("The webhook is paused; put it to work first.")
            row = delivery(owner, Channel.WEBHOOK, body, now(connection), webhook_id)
            connection.execute(sa.insert(deliveries).values(**row))
            return str(row["id"])

        return self._database.write(write)

    def _check(
        self,
        url: str,
        name: str,
        kinds: frozenset[Lane],
        outcomes: frozenset[JobState],
        *,
        is_new: bool = True,
    ) -> None:
        if len(name) > _LONGEST_NAME or not name.isprintable():
            raise InvalidInput.of([Fault("/name", f"A name has at most {_LONGEST_NAME} characters.")])
        if not kinds:
            raise InvalidInput.of([Fault("/kinds", "At least one kind of jobs is needed.")])
        if not outcomes or outcomes - FINAL_STATES:
            known = ", ".join(sorted(FINAL_STATES))
            raise InvalidInput.of(
                [Fault("/outcomes", f"At least one of {known} is needed, and nothing else.")]
            )
        if is_new:
            check_url(url, self._allowed)


def _find(connection: sa.Connection, webhook_id: str, owner: str) -> sa.RowMapping:
    query = sa.select(webhooks).where(webhooks.c.id == webhook_id, webhooks.c.owner == owner)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


def _webhook(row: sa.RowMapping | dict[str, Any]) -> Webhook:
    return Webhook(
        id=row["id"], name=row["name"], url=row["url"], active=row["active"],
        kinds=frozenset(map(Lane, row["kinds"])), outcomes=frozenset(map(JobState, row["outcomes"])),
        created_at=row["created_at"], failing_since=row["failing_since"],
    )  # fmt: skip


def _delivery(row: sa.RowMapping) -> Delivery:
    letter = msgspec.json.decode(row["body"], type=Letter)
    own = {name: row[name] for name in Delivery.__struct_fields__ if name != "type"}
    return Delivery(type=letter.type, **own)
