"""Links that work once: for the first administrator, for new users, for those who forgot their password."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import sqlalchemy as sa

from frontdesk.access import passwords
from frontdesk.access.audit import By, note
from frontdesk.access.caller import User
from frontdesk.access.rules import Role
from frontdesk.access.secrets import digest, new_secret
from frontdesk.access.sessions import SessionLimits, end_all, start
from frontdesk.access.users import FIRST_USER, find, insert, normal_email, normal_name
from frontdesk.errors import NotFound
from frontdesk.store import turns
from frontdesk.store.access_tables import invitations, users
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id

_FIRST_LASTS = timedelta(days=1)
_LASTS = timedelta(days=3)
_GONE = "This link was used already, or is past its time. Ask for a new one."


class Invitation(msgspec.Struct, frozen=True):
    """A link that can still be used. `user` is None for the first administrator."""

    id: str
    user: User | None


class Invitations:
    """Make and accept."""

    def __init__(self, database: Database, limits: SessionLimits) -> None:
        self._database, self._limits = database, limits

    def for_first(self) -> str | None:
        """The secret of a link for the first administrator; None when there are users. Earlier ones become void."""

        def write(connection: sa.Connection) -> str | None:
            turns.take(connection, [FIRST_USER])
            if connection.execute(sa.select(users.c.id).limit(1)).first():
                return None
            connection.execute(sa.delete(invitations).where(invitations.c.user.is_(None)))
            return _insert(connection, None, _FIRST_LASTS)

        return self._database.write(write)

    def add(self, by: By, user_id: str) -> str:
        """The secret of a link with which this user chooses a password. Earlier ones become void."""

        def write(connection: sa.Connection) -> str:
            turns.take(connection, [user_id])
            user = find(connection, user_id)
            connection.execute(sa.delete(invitations).where(invitations.c.user == user_id))
            note(connection, by, "invitation.made", user.email)
            return _insert(connection, user_id, _LASTS)

        return self._database.write(write)

    def find(self, secret: str) -> Invitation:
        """The invitation with this secret, or NotFound."""
        with self._database.read() as connection:
            return _find(connection, secret)

    def accept(self, secret: str, email: str, name: str, password: str, address: str) -> str:
        """Choose a password, and be signed in: give the new session's secret. The link is void after it.

        `email` counts for the first administrator only; anybody else has one already.
        """
        invitation = self.find(secret)
        email = normal_email(email) if invitation.user is None else invitation.user.email
        name = normal_name(name)
        passwords.check_new(password, email)
        hashed, session = passwords.hashed(password), new_secret()
        by = By(email, address)

        def write(connection: sa.Connection) -> None:
            turns.take(connection, [FIRST_USER, email] if invitation.user is None else [invitation.user.id])
            # Looked at again: of two who come with the same link, or as first, one was faster.
            current = _find(connection, secret)
            if current.user is None:
                user = insert(connection, by, email, name, Role.ADMIN, hashed)
                connection.execute(sa.delete(invitations).where(invitations.c.user.is_(None)))
            else:
                user = current.user
                changed = {"password": hashed} | ({"name": name} if name else {})
                connection.execute(sa.update(users).where(users.c.id == user.id).values(**changed))
                end_all(connection, user.id)
            start(connection, user.id, session, self._limits)
            note(connection, by, "sign-in", email, how="invitation")

        self._database.write(write)
        return session


def _insert(connection: sa.Connection, user_id: str | None, lasts: timedelta) -> str:
    secret, at = new_secret(), now(connection)
    row = {
        "id": new_id(),
        "secret": digest(secret),
        "user": user_id,
        "created_at": at,
        "expires_at": at + lasts,
    }
    connection.execute(sa.insert(invitations).values(**row))
    return secret


def _find(connection: sa.Connection, secret: str) -> Invitation:
    query = sa.select(invitations).where(
        invitations.c.secret == digest(secret), invitations.c.expires_at > now(connection)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(_GONE)
    if row["user"] is None:
        if connection.execute(sa.select(users.c.id).limit(1)).first():
            raise NotFound(_GONE)
        return Invitation(row["id"], None)
    user = find(connection, row["user"])
    if not user.active:
        raise NotFound(_GONE)
    return Invitation(row["id"], user)
