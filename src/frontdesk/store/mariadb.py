"""What is particular to MariaDB and MySQL.

They know no change of tables that can be undone: each statement of a migration stays at once. So every statement
is made to do nothing where it was done before, and a migration that was cut short is simply run again.
"""

from __future__ import annotations

import re
from typing import Any

import pymysql
import sqlalchemy as sa
from pymysql.constants import CR, ER
from sqlalchemy.ext.compiler import compiles

from frontdesk.store import clock
from frontdesk.store.faults import Fault
from frontdesk.store.opening import Opening

DRIVER = "mysql+pymysql"
CONNECT = {
    "autocommit": True,  # transactions begin and end as we say
    "charset": "utf8mb4",
    "connect_timeout": 5,
    "read_timeout": 60,
    "write_timeout": 60,
    "program_name": "frontdesk",
}
_BEGIN = {
    Opening.READ: ("START TRANSACTION READ ONLY",),
    Opening.WRITE: ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION"),
}
# It has no commit that need not reach the disk, for one transaction alone.
_BEGIN[Opening.WRITE_SOFTLY] = _BEGIN[Opening.WRITE]
SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION innodb_lock_wait_timeout = 20",
)
# Whoever stands still in the middle of a transaction holds up others no longer than this. MySQL has none of these.
SESSION_OF_MARIADB = (
    "SET SESSION max_statement_time = 30",
    "SET SESSION idle_write_transaction_timeout = 10",
)
_MOMENT = "SELECT timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))"

_COLLISIONS = (ER.LOCK_DEADLOCK, 1020)
_AWAY = frozenset(
    {
        CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR,
        CR.CR_UNKNOWN_HOST, CR.CR_SERVER_HANDSHAKE_ERR, CR.CR_COMMANDS_OUT_OF_SYNC,
        ER.CON_COUNT_ERROR, ER.SERVER_SHUTDOWN, ER.DISK_FULL, ER.RECORD_FILE_FULL, ER.OUT_OF_RESOURCES,
        ER.LOCK_WAIT_TIMEOUT, ER.QUERY_INTERRUPTED, ER.OPTION_PREVENTS_STATEMENT, ER.ERROR_DURING_COMMIT,
        1792, 1836, 1927, 1969, 3024, 4031,
    }
)  # fmt: skip
_REFUSED = (ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR, ER.TABLEACCESS_DENIED_ERROR)
_MIGRATIONS = "frontdesk migrations of "
_LONGEST_WAIT_S = 600

_DONE_ALREADY = "DO 0"
_CREATE_TABLE = re.compile(r"\s*CREATE TABLE `?(?P<of>\w+)`?").match
_CREATE_INDEX = re.compile(r"\s*CREATE (?:UNIQUE )?INDEX `?(?P<name>\w+)`? ON `?(?P<of>\w+)`?").match
_ADD_COLUMN = re.compile(r"\s*ALTER TABLE `?(?P<of>\w+)`? ADD COLUMN `?(?P<name>\w+)`?").match
_DROP_INDEX = re.compile(r"\s*DROP INDEX `?(?P<name>\w+)`? ON `?(?P<of>\w+)`?").match
_OF = "table_schema = database() AND table_name = %(of)s"
_TABLE_THERE = f"SELECT 1 FROM information_schema.tables WHERE {_OF}"  # noqa: S608  (nothing of anybody else's)
_INDEX_THERE = f"SELECT 1 FROM information_schema.statistics WHERE {_OF} AND index_name = %(name)s"  # noqa: S608
_COLUMN_THERE = f"SELECT 1 FROM information_schema.columns WHERE {_OF} AND column_name = %(name)s"  # noqa: S608


@compiles(sa.Text, "mysql")
def _long_text(kind: sa.Text, compiler: Any, **options: Any) -> str:
    """TEXT ends at 64 KB there."""
    return "LONGTEXT"


@compiles(sa.LargeBinary, "mysql")
def _long_binary(kind: sa.LargeBinary, compiler: Any, **options: Any) -> str:
    """BLOB ends at 64 KB there."""
    return "LONGBLOB"


def configure(connection: Any) -> None:
    """Ready a new connection."""
    is_mariadb = "mariadb" in connection.get_server_info().lower()
    with connection.cursor() as cursor:
        for statement in SESSION + (SESSION_OF_MARIADB if is_mariadb else ()):
            cursor.execute(statement)


def begin(connection: sa.Connection, opening: Opening) -> None:
    """Begin a transaction. What time it is is asked when it is needed: every statement is a way of its own."""
    cursor = connection.connection.cursor()
    for statement in _BEGIN[opening]:
        cursor.execute(statement)
    cursor.close()
    clock.to_be_asked(connection, _MOMENT)


def fault_of(error: BaseException) -> Fault:
    """What this error of the driver means."""
    if not isinstance(error, pymysql.err.Error):
        return Fault.OURS
    code = error.args[0] if error.args else 0
    if code in _COLLISIONS:
        return Fault.COLLISION
    if code in _AWAY or isinstance(error, pymysql.err.InterfaceError):
        return Fault.AWAY
    return Fault.REFUSED if code in _REFUSED else Fault.OURS


def lock_for_migration(connection: sa.Connection) -> None:
    """Wait until nobody else changes these tables, and have them compare texts as the other databases do."""
    name = _lock_name(connection)
    if not connection.exec_driver_sql("SELECT get_lock(%s, %s)", (name, _LONGEST_WAIT_S)).scalar():
        raise TimeoutError(f"somebody has been changing the tables for {_LONGEST_WAIT_S} seconds")
    if _is_mariadb(connection):
        connection.exec_driver_sql("SET SESSION max_statement_time = 0")
        collation = "utf8mb4_nopad_bin"
    else:
        collation = "utf8mb4_0900_bin"
    schema = connection.exec_driver_sql("SELECT database()").scalar_one()
    quoted = connection.dialect.identifier_preparer.quote_identifier(schema)
    connection.exec_driver_sql(f"ALTER DATABASE {quoted} CHARACTER SET utf8mb4 COLLATE {collation}")
    sa.event.listen(connection, "before_cursor_execute", _once, retval=True)


def unlock_after_migration(connection: sa.Connection) -> None:
    """Let the next one look."""
    sa.event.remove(connection, "before_cursor_execute", _once)
    connection.exec_driver_sql("SELECT release_lock(%s)", (_lock_name(connection),))
    if _is_mariadb(connection):
        connection.exec_driver_sql("SET SESSION max_statement_time = 30")


def _lock_name(connection: sa.Connection) -> str:
    return f"{_MIGRATIONS}{connection.exec_driver_sql('SELECT database()').scalar_one()}"[:64]


def _is_mariadb(connection: sa.Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))


def _once(
    connection: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    """Leave out what is done already, since a migration before this one was cut short."""
    if _is_done(cursor, statement):
        return _DONE_ALREADY, ()
    return statement, parameters


def _is_done(cursor: Any, statement: str) -> bool:
    for asked, query, is_there_after in (
        (_CREATE_TABLE(statement), _TABLE_THERE, True),
        (_CREATE_INDEX(statement), _INDEX_THERE, True),
        (_ADD_COLUMN(statement), _COLUMN_THERE, True),
        (_DROP_INDEX(statement), _INDEX_THERE, False),
    ):
        if asked is not None:
            cursor.execute(query, asked.groupdict())
            return (cursor.fetchone() is not None) is is_there_after
    return False
