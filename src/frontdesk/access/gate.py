"""The gate: what somebody shows, and who they are then."""

from __future__ import annotations

import sqlalchemy as sa

from frontdesk.access import passwords
from frontdesk.access.audit import Audit, By, note
from frontdesk.access.caller import LOCAL_OWNER, Caller, User
from frontdesk.access.invitations import Invitations
from frontdesk.access.oidc import Identity
from frontdesk.access.quotas import QuotaLimits, Quotas
from frontdesk.access.rules import PUBLIC, USUAL, Action, Role, Rules
from frontdesk.access.sessions import SessionLimits, Sessions
from frontdesk.access.throttle import Throttle
from frontdesk.access.tokens import Tokens
from frontdesk.access.users import FIRST_USER, Users, insert, normal_email
from frontdesk.errors import Forbidden, InvalidInput, NotFound
from frontdesk.store import turns
from frontdesk.store.access_tables import rules as table
from frontdesk.store.access_tables import users as users_table
from frontdesk.store.database import Database

__all__ = ["LOCAL_OWNER", "Gate"]

_WRONG = "The address or the password is wrong."


class Gate:
    """Everything about who may, on one database. All of it is synchronous: call it in the thread pool."""

    def __init__(
        self, database: Database, *, public: frozenset[str] = frozenset(),
        sessions: SessionLimits | None = None, quotas: QuotaLimits | None = None, new_role: Role | None = None,
    ) -> None:  # fmt: skip
        limits = sessions or SessionLimits()
        self._database, self._public, self._new_role = database, public, new_role
        self.users = Users(database)
        self.sessions = Sessions(database, limits)
        self.tokens = Tokens(database)
        self.invitations = Invitations(database, limits)
        self.throttle = Throttle(database)
        self.quotas = Quotas(database, quotas or QuotaLimits())
        self.audit = Audit(database)

    # ------------------------------------------------------------------------------- rules

    def rules(self) -> Rules:
        """The rules as they are now."""
        with self._database.read() as connection:
            found = {(row.task, row.action): row.least for row in connection.execute(sa.select(table))}
        return Rules(found, self._public)

    def set_rule(self, by: By, task: str, action: Action, least: str | None) -> None:
        """Choose who may do this with a task: a role, `public`, or None for what is usual."""
        assert action in USUAL
        if least is not None and least != PUBLIC:
            least = Role(least).value

        def write(connection: sa.Connection) -> None:
            here = sa.and_(table.c.task == task, table.c.action == action.value)
            turns.take(connection, [f"rule {action} {task}"])
            connection.execute(sa.delete(table).where(here))
            if least is not None:
                connection.execute(sa.insert(table).values(task=task, action=action.value, least=least))
            note(connection, by, "rule.changed", f"{action} {task}", least=least)

        self._database.write(write)

    # -------------------------------------------------------------------------- who it is

    def of_session(self, secret: str) -> Caller | None:
        """Whoever has the session with this secret."""
        session = self.sessions.find(secret)
        if session is None:
            return None
        return _caller(session.user, self.rules(), session=session.id)

    def of_token(self, secret: str) -> Caller | None:
        """Whoever has the token with this secret."""
        found = self.tokens.find(secret)
        if found is None:
            return None
        token, user = found
        return Caller(
            owner=user.id, user=user, role=user.role, scopes=frozenset(token.scopes),
            tasks=None if token.tasks is None else frozenset(token.tasks), rules=self.rules(), token=token.id,
        )  # fmt: skip

    def of_user(self, user_id: str) -> Caller | None:
        """A user in whose name something is done while they are away; None where they may not come in any more."""
        try:
            user = self.users.get(user_id)
        except NotFound:
            return None
        return Caller(owner=user.id, user=user, role=user.role, rules=self.rules()) if user.active else None

    # ----------------------------------------------------------------------------- sign-in

    def sign_in(self, email: str, password: str, address: str) -> str:
        """A session for the right password; give its secret.

        Raises Forbidden, or TooManyRequests: in the same words, and after the same work, for accounts there
        are and accounts there are not.
        """
        try:
            email = normal_email(email)
        except InvalidInput:
            email = email.strip().casefold()[:254]
        self.throttle.begin(email, address)
        query = sa.select(users_table).where(users_table.c.email == email)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        is_right = passwords.is_right(None if row is None else row["password"], password)
        if row is None or not is_right or not row["active"]:
            known = "an unknown account" if row is None else email  # some type their password there
            self.audit.note(By(known, address), "sign-in.refused", known)
            raise Forbidden(_WRONG)
        self.throttle.succeeded(email, address)
        if passwords.is_outdated(row["password"]):
            self._renew(row["id"], row["password"], passwords.hashed(password))
        return self.sessions.begin(By(email, address), row["id"], "password")

    def sign_in_as(self, identity: Identity, address: str) -> str:
        """A session for whom a provider vouches; give its secret. Raises Forbidden.

        They are known by what the provider calls them; the first time by their address, if the provider has
        checked that it is theirs. Who is not known at all is added, with the role new ones get, if they get any.
        """
        email = normal_email(identity.email) if identity.email else ""

        def write(connection: sa.Connection) -> tuple[str, str]:
            turns.take(connection, [FIRST_USER, identity.subject, email])
            of = users_table.c.subject == identity.subject
            row = connection.execute(sa.select(users_table).where(of)).mappings().first()
            if row is None and email:
                here = sa.select(users_table).where(
                    users_table.c.email == email, users_table.c.subject.is_(None)
                )
                row = connection.execute(here).mappings().first()
                if row is not None:
                    known = sa.update(users_table).where(users_table.c.id == row["id"])
                    connection.execute(known.values(subject=identity.subject))
            if row is None:
                if not email or self._new_role is None:
                    raise Forbidden(
                        "There is no account here for you. An administrator can add your address."
                    )
                by = By(email, address)
                added = insert(connection, by, email, identity.name, self._new_role, subject=identity.subject)
                return added.id, email
            if not row["active"]:
                raise Forbidden("Your account here is disabled.")
            return row["id"], row["email"]

        user_id, known_as = self._database.write(write)
        return self.sessions.begin(By(known_as, address), user_id, "single sign-on")

    def _renew(self, user_id: str, old: str, new: str) -> None:
        same = sa.update(users_table).where(users_table.c.id == user_id, users_table.c.password == old)
        self._database.write(lambda c: c.execute(same.values(password=new)))


def _caller(user: User, rules: Rules, *, session: str) -> Caller:
    return Caller(owner=user.id, user=user, role=user.role, rules=rules, session=session)
