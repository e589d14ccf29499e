"""What `frontdesk doctor` looks at of the database."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from frontdesk.cli.finding import Finding
from frontdesk.errors import SettingsError, StoreRefused, StoreUnavailable
from frontdesk.store.database import SCHEMA_VERSION, Database

_OLDEST_SQLITE = (3, 35)  # its RETURNING is what claims jobs


def sqlite() -> Finding:
    is_well = sqlite3.sqlite_version_info >= _OLDEST_SQLITE
    return Finding("SQLite", is_well, sqlite3.sqlite_version, "Use a Python built with SQLite 3.35 or newer.")


def database(path: Path) -> Finding:
    what = "Database"
    if not path.exists():
        return Finding(what, True, "not made yet")
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            check = connection.execute("pragma quick_check").fetchone()[0]
            version = connection.execute("select version_num from alembic_version").fetchone()[0]
    except sqlite3.Error as error:
        check, version = str(error), ""
    if check != "ok":
        return Finding(what, False, check, f"Stop the server and put {path} back from a backup.")
    if version > SCHEMA_VERSION:
        told = f"written by a newer frontdesk (its tables are at {version}, this one knows {SCHEMA_VERSION})"
        return Finding(what, False, told, "Install that version, or choose another data folder.")
    waits = "" if version == SCHEMA_VERSION else f", brought to {SCHEMA_VERSION} at the next start"
    return Finding(what, True, f"sound, tables at {version}{waits}")


def database_server(url: str) -> Finding:
    """Whether it lets us in. No message has the password in it."""
    what, mend = "Database", "Check FRONTDESK_DATABASE: postgresql://user:password@host/name or mariadb://…"
    try:
        server = Database.open(url, connections=2)
    except SettingsError as error:
        return Finding(what, False, str(error), mend)
    try:
        version = server.version()
    except StoreRefused as error:
        return Finding(what, False, f"{error.name}: {error.reason}", mend)
    except StoreUnavailable:
        return Finding(
            what, False, f"{server.name} does not answer", f"Start it, or mend the way to it. {mend}"
        )
    except SettingsError as error:
        return Finding(what, False, str(error), "Install that version, or choose another database.")
    finally:
        server.close()
    if not version:
        return Finding(what, True, f"{server.name}, tables are made at the next start")
    waits = "" if version == SCHEMA_VERSION else f", brought to {SCHEMA_VERSION} at the next start"
    return Finding(what, True, f"{server.name}, tables at {version}{waits}")
