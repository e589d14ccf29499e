"""What is particular to PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.types.string import StrDumper

from frontdesk.store import clock
from frontdesk.store.faults import Fault
from frontdesk.store.opening import Opening

DRIVER = "postgresql+psycopg"
CONNECT = {
    "autocommit": True,  # transactions begin and end as we say
    "connect_timeout": 5,
    "application_name": "frontdesk",
    # Who is cut off from a server without a word hears of it after a quarter of a minute.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
SESSION = (
    "SET statement_timeout = '30s'",
    "SET lock_timeout = '20s'",
    "SET timezone = 'UTC'",
)
_BEGIN = {
    Opening.READ: "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    # Whoever stands still in the middle of a write holds up others no longer than this.
    Opening.WRITE: "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = '10s'",
}
# A commit that returns before it has reached the disk.
_BEGIN[Opening.WRITE_SOFTLY] = f"{_BEGIN[Opening.WRITE]}; SET LOCAL synchronous_commit = off"
_MOMENT = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

_MIGRATIONS = 0x66726F6E74  # "front": whoever takes the same number for something else only waits a moment
_AWAY = ("08", "53", "57P", "58", "25006", "25P03", "25P04", "55P03", "57014")
_COLLISIONS = ("40001", "40P01")
_REFUSED = ("28", "3D", "42501")
# Of a connection that could not be made there is no more than the text.
_REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied")


class _Text(StrDumper):
    """Its texts hold every character but one."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "�") if "\0" in obj else obj)


def configure(connection: Any) -> None:
    """Ready a new connection."""
    connection.adapters.register_dumper(str, _Text)
    connection.execute("; ".join(SESSION))


def begin(connection: sa.Connection, opening: Opening) -> None:
    """Begin a transaction, and read the clock on the same way."""
    # Several statements at once cannot be prepared, which the driver would do by itself after some times.
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    answers = driver.execute(f"{_BEGIN[opening]}; {_MOMENT}", prepare=False)
    while answers.nextset():
        pass
    clock.told(connection, answers.fetchone()[0])  # type: ignore[index]


def fault_of(error: BaseException) -> Fault:
    """What this error of the driver means."""
    if not isinstance(error, psycopg.Error):
        return Fault.OURS
    state = error.sqlstate or ""
    if state in _COLLISIONS:
        return Fault.COLLISION
    if state.startswith(_AWAY):
        return Fault.AWAY
    if state.startswith(_REFUSED):
        return Fault.REFUSED
    if not state and isinstance(error, psycopg.OperationalError):
        return Fault.REFUSED if any(words in str(error) for words in _REFUSALS) else Fault.AWAY
    return Fault.OURS


def lock_for_migration(connection: sa.Connection) -> None:
    """Wait until nobody else changes tables; all changes are one transaction, and the lock ends with it."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATIONS})")


def unlock_after_migration(connection: sa.Connection) -> None:
    """Nothing to do."""
