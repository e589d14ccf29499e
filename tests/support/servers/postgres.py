"""A PostgreSQL server."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from support.servers.process import ServerProcess

PASSWORD = "open-sesame"


class Postgres(ServerProcess):
    """`with Postgres() as server: url = server.new_database()`.

    A server that is not `durable` skips the disk: for tests that are about something else.
    """

    user = "postgres"
    stop_signal = signal.SIGINT  # "fast": it hangs up on everybody and ends

    def __init__(self, *, durable: bool = True) -> None:
        super().__init__()
        self._durable, self._made = durable, 0

    def prepare(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self.run(
            str(_programs() / "initdb"), "--pgdata", str(self.folder / "data"), "--username", "frontdesk",
            "--auth", "scram-sha-256", "--pwfile", str(password), "--encoding", "UTF8", "--locale", "C.UTF-8",
            "--no-sync", "--no-instructions",
        )  # fmt: skip

    def command(self) -> Sequence[str]:
        options = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200",
            "shared_buffers": "64MB", "max_wal_size": "256MB",
            **({} if self._durable else {"fsync": "off", "full_page_writes": "off"}),
        }  # fmt: skip
        words = [str(_programs() / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        return [*words, *(word for name, value in options.items() for word in ("-c", f"{name}={value}"))]

    def answers(self) -> bool:
        try:
            with psycopg.connect(self._url("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def new_database(self, template: str = "template0") -> str:
        """An empty database, or a copy of another; give its URL."""
        self._made += 1
        name = f"installation_{self._made}"
        self.execute(f'create database {name} template "{template}"')
        return self._url(name)

    def execute(self, statement: str, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the server's administrator."""
        with psycopg.connect(self._url(database), autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def _url(self, database: str) -> str:
        return f"postgresql://frontdesk:{PASSWORD}@127.0.0.1:{self.port}/{database}"


def _programs() -> Path:
    """Debian keeps the programs of each version apart; the newest there is serves."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return versions[-1] if versions else Path("/usr/bin")
