"""How much one user may have at once, and how much of it they have."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from frontdesk.access.caller import VISITOR_PREFIX, Caller
from frontdesk.errors import QuotaExceeded
from frontdesk.store.access_tables import users
from frontdesk.store.database import Database
from frontdesk.store.files import refuse_more_bytes, stored_bytes
from frontdesk.store.tables import jobs

_WAITING = "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLimits:
    """What everybody may have for whom nothing else was said; 0 is no limit. A visitor's requests are fewer."""

    jobs_waiting: int = 1000
    stored_bytes: int = 5 * 2**30
    requests: int = 6000
    visitor_requests: int = 60
    visitor_jobs_waiting: int = 20
    visitor_stored_bytes: int = 200 * 2**20


class Quota(msgspec.Struct, frozen=True):
    """Of something: how much is used, and the limit; 0 is none."""

    used: int
    limit: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one owner uses."""

    jobs_waiting: Quota
    stored_bytes: Quota


class Quotas:
    """Look at and hold to them. The one user of an installation without sign-in has none."""

    def __init__(self, database: Database, limits: QuotaLimits) -> None:
        self._database, self._limits = database, limits

    def jobs_waiting(self, caller: Caller) -> int:
        """How many jobs of this caller may wait at once."""
        if caller.is_visitor:
            return self._limits.visitor_jobs_waiting
        return _chosen(caller, "jobs_waiting_limit", self._limits.jobs_waiting)

    def jobs_waiting_of(self, owner: str) -> int:
        """How many jobs of this owner may wait at once; of the local one, any number."""
        if owner.startswith(VISITOR_PREFIX):
            return self._limits.visitor_jobs_waiting
        return self._limit_of(owner, users.c.jobs_waiting_limit, self._limits.jobs_waiting)

    def stored_bytes(self, caller: Caller) -> int:
        """How many bytes this caller may have stored."""
        if caller.is_visitor:
            return self._limits.visitor_stored_bytes
        return _chosen(caller, "stored_bytes_limit", self._limits.stored_bytes)

    def stored_bytes_of(self, owner: str) -> int:
        """How many bytes this owner may have stored; the local one, any number."""
        if owner.startswith(VISITOR_PREFIX):
            return self._limits.visitor_stored_bytes
        return self._limit_of(owner, users.c.stored_bytes_limit, self._limits.stored_bytes)

    def requests(self, caller: Caller) -> int:
        """How many requests a minute this caller may send."""
        if caller.is_visitor:
            return self._limits.visitor_requests
        return _chosen(caller, "requests_limit", self._limits.requests)

    def usage(self, caller: Caller) -> Usage:
        """What this caller uses now."""
        return Usage(
            jobs_waiting=Quota(self._waiting(caller.owner), self.jobs_waiting(caller)),
            stored_bytes=Quota(self._stored(caller.owner), self.stored_bytes(caller)),
        )

    def refuse_more_bytes(self, caller: Caller, size_bytes: int) -> None:
        """Raises QuotaExceeded when this many bytes more would be too many."""
        with self._database.read() as connection:
            refuse_more_bytes(connection, caller.owner, size_bytes, self.stored_bytes(caller))

    def refuse_when_full(self, owner: str) -> None:
        """Raises QuotaExceeded when this owner has as much stored as they may."""
        limit = self.stored_bytes_of(owner)
        if limit and (used := self._stored(owner)) >= limit:
            raise QuotaExceeded(
                f"You have stored {used:,} of {limit:,} bytes. Remove what you no longer need."
            )

    def _limit_of(self, owner: str, column: sa.Column[int | None], usual: int) -> int:
        with self._database.read() as connection:
            row = connection.execute(sa.select(column).where(users.c.id == owner)).first()
        if row is None:
            return 0
        return usual if row[0] is None else int(row[0])

    def _waiting(self, owner: str) -> int:
        query = sa.select(sa.func.count()).select_from(jobs)
        with self._database.read() as connection:
            return connection.execute(
                query.where(jobs.c.owner == owner, jobs.c.state == _WAITING)
            ).scalar_one()

    def _stored(self, owner: str) -> int:
        with self._database.read() as connection:
            return stored_bytes(connection, owner)


def _chosen(caller: Caller, name: str, usual: int) -> int:
    if caller.user is None:
        return 0
    chosen: int | None = getattr(caller.user, name)
    return usual if chosen is None else chosen
