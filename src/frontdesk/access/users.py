"""The people who can sign in."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import sqlalchemy as sa

from frontdesk.access import passwords
from frontdesk.access.audit import By, note
from frontdesk.access.caller import User
from frontdesk.access.rules import Role
from frontdesk.errors import Conflict, Fault, InvalidInput, NotFound
from frontdesk.store import turns
from frontdesk.store.access_tables import invitations, sessions, users
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id

_EMAIL = re.compile(r"[^@\s\x00-\x20]{1,64}@[^@\s\x00-\x20]{1,185}").fullmatch
_LONGEST_NAME = 200
_ADMINISTRATORS = "administrators"
FIRST_USER = "first user"
"""The turn of whoever looks whether there is anybody yet."""
CHANGEABLE = frozenset(
    {"name", "role", "active", "jobs_waiting_limit", "stored_bytes_limit", "requests_limit"}
)


def normal_email(text: str) -> str:
    """An address in the one form it is stored and compared in."""
    email = unicodedata.normalize("NFKC", text.strip()).casefold()
    if not _EMAIL(email):
        raise InvalidInput.of([Fault("/email", "This is no e-mail address.")])
    return email


def normal_name(text: str) -> str:
    """A name that can be shown."""
    name = " ".join("".join(c for c in text if c.isprintable()).split())
    if len(name) > _LONGEST_NAME:
        raise InvalidInput.of([Fault("/name", f"A name has at most {_LONGEST_NAME} characters.")])
    return name


def user_of(row: sa.RowMapping) -> User:
    """A user from a row that has the columns of one."""
    return User(
        id=row["id"], email=row["email"], name=row["name"], role=Role(row["role"]), active=row["active"],
        created_at=row["created_at"], jobs_waiting_limit=row["jobs_waiting_limit"],
        stored_bytes_limit=row["stored_bytes_limit"], requests_limit=row["requests_limit"],
    )  # fmt: skip


def find(connection: sa.Connection, user_id: str) -> User:
    """The user of that id, or NotFound."""
    row = connection.execute(sa.select(users).where(users.c.id == user_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such user.")
    return user_of(row)


def insert(
    connection: sa.Connection, by: By, email: str, name: str, role: Role, password: str | None = None, *,
    subject: str | None = None,
) -> User:  # fmt: skip
    """Add somebody; `email` is normal already and `password` hashed."""
    turns.take(connection, [FIRST_USER, email])
    taken = sa.select(users.c.id).where(users.c.email == email)
    if connection.execute(taken).first():
        raise Conflict(f"There is a user {email} already.")
    user_id = new_id()
    row = {
        "id": user_id, "email": email, "name": name or email.partition("@")[0], "role": role.value,
        "active": True, "password": password, "subject": subject, "created_at": now(connection),
    }  # fmt: skip
    connection.execute(sa.insert(users).values(**row))
    note(connection, by, "user.added", email, role=role.value)
    return find(connection, user_id)


class Users:
    """Add, find, change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, by: By, email: str, name: str, role: Role, password: str | None = None) -> User:
        """Add somebody. Without a password they need an invitation to sign in."""
        email, name = normal_email(email), normal_name(name)
        secret = None
        if password is not None:
            passwords.check_new(password, email)
            secret = passwords.hashed(password)
        return self._database.write(lambda c: insert(c, by, email, name, role, secret))

    def get(self, user_id: str) -> User:
        """The user of that id, or NotFound."""
        with self._database.read() as connection:
            return find(connection, user_id)

    def by_email(self, email: str) -> User:
        """The user with that address, or NotFound."""
        query = sa.select(users).where(users.c.email == normal_email(email))
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"There is no user {email}.")
        return user_of(row)

    def emails(self, ids: set[str]) -> dict[str, str]:
        """The addresses of these users; ids of nobody are left out."""
        query = sa.select(users.c.id, users.c.email).where(users.c.id.in_(ids))
        with self._database.read() as connection:
            return {row.id: row.email for row in connection.execute(query)} if ids else {}

    def address_of(self, user_id: str) -> str | None:
        """Where to write to this user; None where there is none, or none who may come in."""
        query = sa.select(users.c.email).where(users.c.id == user_id, users.c.active == sa.true())
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def list(self) -> list[User]:
        """Everybody, by address."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(users).order_by(users.c.email)).mappings()
            return [user_of(row) for row in rows]

    def there_are_any(self) -> bool:
        """Whether there is anybody yet."""
        with self._database.read() as connection:
            return connection.execute(sa.select(users.c.id).limit(1)).first() is not None

    def change(self, by: By, user_id: str, **changes: Any) -> User:
        """Change some of CHANGEABLE. Whoever is put out of action is signed out at once."""
        assert changes.keys() <= CHANGEABLE
        if "name" in changes:
            changes["name"] = normal_name(changes["name"])
        if "role" in changes:
            changes["role"] = Role(changes["role"]).value

        def write(connection: sa.Connection) -> User:
            turns.take(connection, [_ADMINISTRATORS])  # of the last two, not both at once
            before = find(connection, user_id)
            if before.role is Role.ADMIN and before.active:
                _refuse_last(connection, before, changes)
            if changes:
                connection.execute(sa.update(users).where(users.c.id == user_id).values(**changes))
            if changes.get("active") is False:
                connection.execute(sa.delete(sessions).where(sessions.c.user == user_id))
                connection.execute(sa.delete(invitations).where(invitations.c.user == user_id))
            note(connection, by, "user.changed", before.email, **changes)
            return find(connection, user_id)

        return self._database.write(write)


def _refuse_last(connection: sa.Connection, user: User, changes: dict[str, Any]) -> None:
    """An installation nobody administers could not be mended from its pages."""
    stays = changes.get("active", True) and changes.get("role", Role.ADMIN) == Role.ADMIN
    others = sa.select(users.c.id).where(
        users.c.role == Role.ADMIN.value, users.c.active == sa.true(), users.c.id != user.id
    )
    if not stays and connection.execute(others.limit(1)).first() is None:
        raise Conflict(f"{user.email} is the only administrator; make somebody else one first.")
