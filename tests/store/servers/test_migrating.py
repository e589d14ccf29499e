"""Tables are made once, whoever starts with whom and whenever one of them dies."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from frontdesk.store import database as module
from frontdesk.store.database import SCHEMA_VERSION, Database
from support.databases import metadata
from support.servers.mariadb import MariaDb
from support.servers.postgres import Postgres

START = """
import sys
from frontdesk.store.database import Database
database = Database.open(sys.argv[1])
database.migrate(wait_s=60)
database.close()
"""


def shape(database: Database) -> dict[str, tuple[set[str], set[str]]]:
    """Columns and indexes of every table, by name."""
    with database.read() as connection:
        made = sa.inspect(connection)
        return {
            table.name: (
                {column["name"] for column in made.get_columns(table.name)},
                {str(index["name"]) for index in made.get_indexes(table.name)} & _indexes(table),
            )
            for table in metadata.sorted_tables
        }


def _indexes(table: sa.Table) -> set[str]:
    return {str(index.name) for index in table.indexes}


DECLARED = {
    table.name: ({column.name for column in table.columns}, _indexes(table))
    for table in metadata.sorted_tables
}


@pytest.mark.parametrize("begun_at", ["", "0005"])
def test_ten_processes_that_start_at_once_make_the_tables_once(
    url: str, begun_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(url)
    if begun_at:
        upgrade_to(database, begun_at, monkeypatch)
    starters = [
        subprocess.Popen([sys.executable, "-c", START, url], stderr=subprocess.PIPE, text=True)
        for _ in range(10)
    ]
    said = [starter.communicate(timeout=100)[1] for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 10, said
    assert shape(database) == DECLARED
    database.close()


def test_a_migration_that_is_cut_short_anywhere_is_made_whole_by_the_next(
    server: Postgres | MariaDb, url: str
) -> None:
    """On MariaDB, where nothing can be undone, after every statement; PostgreSQL undoes all, so one is enough."""
    database, cut_after = Database.open(url), set[str]()
    while _cut_short(database, cut_after) and not isinstance(server, Postgres):
        pass
    database.migrate()
    assert len(cut_after) > (1 if isinstance(server, MariaDb) else 0) * 40
    assert shape(database) == DECLARED
    with database.read() as connection:
        assert connection.execute(sa.text("select count(*) from turns")).scalar() == 256
    database.close()


class _PowerCutError(Exception):
    pass


def _cut_short(database: Database, cut_after: set[str]) -> bool:
    """Migrate until a change of tables that was not cut short before; whether there was one."""

    def cut(connection: sa.Connection, cursor: Any, statement: str, *rest: object) -> None:
        if statement.lstrip().startswith(("CREATE", "ALTER TABLE", "DROP")) and statement not in cut_after:
            cut_after.add(statement)
            raise _PowerCutError

    sa.event.listen(sa.Engine, "after_cursor_execute", cut)
    try:
        database.migrate()
    except _PowerCutError:
        return True
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", cut)
    return False


def test_tables_of_a_newer_frontdesk_are_left_alone(url: str) -> None:
    database = Database.open(url)
    database.migrate()
    database.write(lambda c: c.execute(sa.text("update alembic_version set version_num = '9999'")))
    with pytest.raises(module.SettingsError, match="newer frontdesk"):
        database.migrate()
    database.close()


def upgrade_to(database: Database, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tables as they were then."""

    def upgrade(config: Config, revision: str) -> None:
        genuine(config, version)

    genuine = command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", upgrade)
        database.migrate()
    with database.read() as connection:
        assert connection.execute(sa.text("select version_num from alembic_version")).scalar() == version
    assert version < SCHEMA_VERSION
