"""What the migrations make is what the code says the tables are."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from frontdesk.store.database import Database
from support.databases import metadata


def test_the_migrations_make_the_tables_the_code_knows(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "d.db")
    database.migrate()
    with database.read() as connection:
        made = sa.inspect(connection)
        tables = {
            name: _shape_made(made, name) for name in made.get_table_names() if name != "alembic_version"
        }
    database.close()
    assert tables == {table.name: _shape_declared(table) for table in metadata.sorted_tables}


def _shape_made(made: sa.Inspector, table: str) -> tuple[set[tuple[str, bool]], set[str]]:
    columns = {(column["name"], bool(column["nullable"])) for column in made.get_columns(table)}
    return columns, {str(index["name"]) for index in made.get_indexes(table)}


def _shape_declared(table: sa.Table) -> tuple[set[tuple[str, bool]], set[str]]:
    return {(c.name, bool(c.nullable)) for c in table.columns}, {str(index.name) for index in table.indexes}
