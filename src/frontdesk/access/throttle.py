"""Guessing passwords is slow: by account, and by address. It is the same for accounts that do not exist.

An attempt is counted before the password is looked at, so that many at once do not slip through together,
and taken back when it was right.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import sqlalchemy as sa

from frontdesk.access.secrets import digest
from frontdesk.errors import TooManyRequests
from frontdesk.store import turns
from frontdesk.store.access_tables import sign_in_attempts as table
from frontdesk.store.clock import now
from frontdesk.store.database import Database

_WINDOW = timedelta(minutes=15)
_ACCOUNT_LIMIT = 10
_ADDRESS_LIMIT = 60


class Throttle:
    """Counts attempts to sign in, for all processes together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, email: str, address: str) -> None:
        """One more attempt. Raises TooManyRequests."""
        limits = ((_account(email), _ACCOUNT_LIMIT), (_address(address), _ADDRESS_LIMIT))

        def write(connection: sa.Connection) -> float:
            turns.take(connection, [key for key, _ in limits])
            connection.execute(sa.delete(table).where(table.c.began_at < now(connection) - _WINDOW))
            waits = [_wait_s(connection, key, limit) for key, limit in limits]
            if any(waits):
                return max(waits)
            for key, _ in limits:
                _count(connection, key)
            return 0.0

        wait_s = self._database.write(write, durable=False)
        if wait_s:
            raise TooManyRequests("Too many attempts to sign in. Wait a while, then try again.", wait_s)

    def succeeded(self, email: str, address: str) -> None:
        """The attempt was right, so it was none. The account starts afresh; the address only gets this one back."""

        def write(connection: sa.Connection) -> None:
            turns.take(connection, [_account(email), _address(address)])
            connection.execute(sa.delete(table).where(table.c.key == _account(email)))
            back = sa.update(table).where(table.c.key == _address(address), table.c.attempts > 0)
            connection.execute(back.values(attempts=table.c.attempts - 1))

        self._database.write(write, durable=False)


def _wait_s(connection: sa.Connection, key: str, limit: int) -> float:
    row = connection.execute(sa.select(table).where(table.c.key == key)).first()
    if row is None or row.attempts < limit:
        return 0.0
    return float(max((row.began_at + _WINDOW - now(connection)).total_seconds(), 1.0))


def _count(connection: sa.Connection, key: str) -> None:
    more = sa.update(table).where(table.c.key == key).values(attempts=table.c.attempts + 1)
    if connection.execute(more).rowcount == 0:
        connection.execute(sa.insert(table).values(key=key, attempts=1, began_at=now(connection)))


def _account(email: str) -> str:
    return digest(f"account {email}")


def _address(address: str) -> str:
    """Whoever has one address of IPv6 has 2^64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return digest(f"address {address}")
    if isinstance(ip, ipaddress.IPv6Address):
        return digest(f"address {ipaddress.IPv6Network((ip, 64), strict=False)}")
    return digest(f"address {ip}")
