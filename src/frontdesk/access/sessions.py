"""Sessions of people in browsers. The cookie holds a random secret, the row its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.access import passwords
from frontdesk.access.audit import By, note
from frontdesk.access.caller import User
from frontdesk.access.secrets import digest, new_secret
from frontdesk.access.users import find, user_of
from frontdesk.errors import Conflict, Fault, InvalidInput
from frontdesk.store.access_tables import invitations, sessions, users
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id

_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long a session lasts: unused, and at most."""

    idle: timedelta = timedelta(days=1)
    absolute: timedelta = timedelta(days=30)


class Session(msgspec.Struct, frozen=True):
    """A session in use."""

    id: str
    user: User
    seen_at: datetime


class Sessions:
    """Begin, recognise, end."""

    def __init__(self, database: Database, limits: SessionLimits) -> None:
        self._database, self.limits = database, limits

    def begin(self, by: By, user_id: str, how: str) -> str:
        """A new session; give its secret. Those that are past their time go on this occasion."""
        secret = new_secret()

        def write(connection: sa.Connection) -> None:
            start(connection, user_id, secret, self.limits)
            note(connection, by, "sign-in", find(connection, user_id).email, how=how)

        self._database.write(write)
        return secret

    def find(self, secret: str) -> Session | None:
        """The session with this secret, if it is still good."""
        with self._database.read() as connection:
            at = now(connection)
            row = connection.execute(self._good(secret, at)).mappings().first()
        if row is None:
            return None
        found = Session(row["session"], user_of(row), row["seen_at"])
        if at - found.seen_at > _SEEN_EVERY:
            seen = sa.update(sessions).where(sessions.c.id == found.id).values(seen_at=at)
            self._database.write(lambda c: c.execute(seen), durable=False)
        return found

    def _good(self, secret: str, at: datetime) -> sa.Select[Any]:
        return (
            sa.select(users, sessions.c.id.label("session"), sessions.c.seen_at)
            .join(users, users.c.id == sessions.c.user)
            .where(
                sessions.c.secret == digest(secret),
                sessions.c.expires_at > at,
                sessions.c.seen_at > at - self.limits.idle,
                users.c.active == sa.true(),
            )
        )

    def end(self, by: By, session_id: str) -> None:
        """Sign out."""

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.delete(sessions).where(sessions.c.id == session_id))
            note(connection, by, "sign-out", by.actor)

        self._database.write(write)

    def change_password(self, by: By, user_id: str, old: str, new: str, session_id: str | None) -> None:
        """A new password for somebody who knows the old one; their other sessions end."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(users).where(users.c.id == user_id)).mappings().one()
        if not passwords.is_right(row["password"], old):
            raise InvalidInput.of([Fault("/old", "This is not your password.")])
        passwords.check_new(new, row["email"])
        secret = passwords.hashed(new)

        def write(connection: sa.Connection) -> None:
            same = sa.update(users).where(users.c.id == user_id, users.c.password == row["password"])
            if connection.execute(same.values(password=secret)).rowcount != 1:
                raise Conflict("The password was changed elsewhere in this moment.")
            end_all(connection, user_id, besides=session_id)
            note(connection, by, "password.changed", row["email"])

        self._database.write(write)


def start(connection: sa.Connection, user_id: str, secret: str, limits: SessionLimits) -> None:
    """Write a session."""
    at = now(connection)
    connection.execute(sa.delete(sessions).where(sessions.c.expires_at < at))
    connection.execute(
        sa.insert(sessions).values(
            id=new_id(), secret=digest(secret), user=user_id, created_at=at, seen_at=at,
            expires_at=at + limits.absolute,
        )
    )  # fmt: skip


def end_all(connection: sa.Connection, user_id: str, besides: str | None = None) -> None:
    """End the sessions of a user, and void their links: who had the old password has nothing any more."""
    mine = sa.delete(sessions).where(sessions.c.user == user_id)
    connection.execute(mine if besides is None else mine.where(sessions.c.id != besides))
    connection.execute(sa.delete(invitations).where(invitations.c.user == user_id))
