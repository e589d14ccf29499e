"""Tokens for programs: shown once, kept as a digest, limited to what they are for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from frontdesk.access.audit import By, note
from frontdesk.access.caller import User
from frontdesk.access.rules import Action
from frontdesk.access.secrets import TOKEN_PREFIX, digest, new_secret
from frontdesk.access.users import find, normal_name, user_of
from frontdesk.errors import Fault, InvalidInput, NotFound
from frontdesk.store.access_tables import tokens, users
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id

_USED_EVERY = timedelta(minutes=1)
_LONGEST_DAYS = 3650


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a token. `tasks` None: all. `expires_at` None: never."""

    id: str
    user: str
    name: str
    scopes: tuple[Action, ...]
    tasks: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class Tokens:
    """Make, recognise, list, revoke."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, by: By, user_id: str, name: str, scopes: frozenset[Action],
        tasks: frozenset[str] | None = None, days: float | None = None,
    ) -> tuple[Token, str]:  # fmt: skip
        """A new token and its secret, which nobody can be told again."""
        name = normal_name(name)
        if not name:
            raise InvalidInput.of([Fault("/name", "Say what the token is for.")])
        if not scopes:
            raise InvalidInput.of([Fault("/scopes", "A token without a scope could do nothing.")])
        if days is not None and not 0 < days <= _LONGEST_DAYS:
            raise InvalidInput.of([Fault("/days", f"This must be more than 0 and at most {_LONGEST_DAYS}.")])
        secret = new_secret(TOKEN_PREFIX)
        row: dict[str, Any] = {
            "id": new_id(), "secret": digest(secret), "user": user_id, "name": name, "scopes": sorted(scopes),
            "tasks": None if tasks is None else sorted(tasks), "used_at": None,
        }  # fmt: skip

        def write(connection: sa.Connection) -> None:
            at = now(connection)
            ends = None if days is None else at + timedelta(days=days)
            email = find(connection, user_id).email
            connection.execute(sa.insert(tokens).values(**row, created_at=at, expires_at=ends))
            note(connection, by, "token.added", email, token=row["id"], name=name, scopes=row["scopes"])

        self._database.write(write)
        return self.get(str(row["id"]), user_id), secret

    def get(self, token_id: str, user_id: str) -> Token:
        """A token of a user, or NotFound."""
        for token in self.list(user_id):
            if token.id == token_id:
                return token
        raise NotFound("There is no such token.")

    def list(self, user_id: str) -> list[Token]:
        """The tokens of a user, the newest first."""
        query = sa.select(tokens).where(tokens.c.user == user_id).order_by(tokens.c.id.desc())
        with self._database.read() as connection:
            return [_token_of(row) for row in connection.execute(query).mappings()]

    def find(self, secret: str) -> tuple[Token, User] | None:
        """The token with this secret and whose it is, if it is still good."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        with self._database.read() as connection:
            at = now(connection)
            is_good = sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > at)
            query = sa.select(tokens).where(tokens.c.secret == digest(secret), is_good)
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            whose = sa.select(users).where(users.c.id == row["user"], users.c.active == sa.true())
            user = connection.execute(whose).mappings().first()
        if user is None:
            return None
        token = _token_of(row)
        if token.used_at is None or at - token.used_at > _USED_EVERY:
            used = sa.update(tokens).where(tokens.c.id == token.id).values(used_at=at)
            self._database.write(lambda c: c.execute(used), durable=False)
        return token, user_of(user)

    def revoke(self, by: By, token_id: str, user_id: str | None) -> None:
        """End a token; of this user, or of anybody for None. Raises NotFound."""

        def write(connection: sa.Connection) -> None:
            mine = tokens.c.id == token_id
            if user_id is not None:
                mine = sa.and_(mine, tokens.c.user == user_id)
            row = connection.execute(sa.select(tokens).where(mine)).mappings().first()
            if row is None:
                raise NotFound("There is no such token.")
            connection.execute(sa.delete(tokens).where(tokens.c.id == token_id))
            note(
                connection,
                by,
                "token.revoked",
                find(connection, row["user"]).email,
                token=token_id,
                name=row["name"],
            )

        self._database.write(write)


def _token_of(row: sa.RowMapping) -> Token:
    return Token(
        id=row["id"], user=row["user"], name=row["name"], scopes=tuple(map(Action, row["scopes"])),
        tasks=None if row["tasks"] is None else tuple(row["tasks"]), created_at=row["created_at"],
        expires_at=row["expires_at"], used_at=row["used_at"],
    )  # fmt: skip
