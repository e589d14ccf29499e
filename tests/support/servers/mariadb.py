"""A MariaDB server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pymysql

from support.servers.process import ServerProcess

PASSWORD = "open-sesame"


class MariaDb(ServerProcess):
    """`with MariaDb() as server: url = server.new_database()`.

    A server that is not `durable` skips the disk: for tests that are about something else.
    """

    user = "mysql"

    def __init__(self, *, durable: bool = True) -> None:
        super().__init__()
        self._durable, self._made = durable, 0

    def prepare(self) -> None:
        grants = self.folder / "grants.sql"
        grants.write_text(
            f"create user if not exists frontdesk@'%' identified by '{PASSWORD}';\n"
            "grant all on *.* to frontdesk@'%';\n"
        )
        grants.chmod(0o644)
        self.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder}",
            "--skip-test-db", "--auth-root-authentication-method=socket",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
        )  # fmt: skip

    def command(self) -> Sequence[str]:
        options = {
            # In the folder of all, one that starts would remove the temporary tables of those that run.
            "tmpdir": str(self.folder),
            "datadir": str(self.folder / "data"), "socket": str(self.folder / "socket"),
            "pid-file": str(self.folder / "pid"), "bind-address": "127.0.0.1", "port": str(self.port),
            "init-file": str(self.folder / "grants.sql"), "max-connections": "200",
            "innodb-buffer-pool-size": "64M", "innodb-log-file-size": "64M", "skip-name-resolve": "ON",
            **({} if self._durable else {"innodb-flush-log-at-trx-commit": "0", "innodb-doublewrite": "0"}),
        }  # fmt: skip
        return ["mariadbd", "--no-defaults", *(f"--{name}={value}" for name, value in options.items())]

    def answers(self) -> bool:
        try:
            self.execute("select 1")
        except pymysql.err.OperationalError:
            return False
        return True

    def new_database(self) -> str:
        """An empty database; give its URL."""
        self._made += 1
        name = f"installation_{self._made}"
        self.execute(f"create database {name}")
        return f"mariadb://frontdesk:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str, *values: Any, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement as the server's administrator."""
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user="frontdesk", password=PASSWORD, database=database,
            autocommit=True, connect_timeout=2,
        )  # fmt: skip
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())
