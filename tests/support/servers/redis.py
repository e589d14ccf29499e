"""A Redis server."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from support.servers.process import ServerProcess

PASSWORD = "open-sesame"


class RedisServer(ServerProcess):
    """`with RedisServer() as server: server.url(0)`. It forgets everything when it ends, as a Redis may."""

    def command(self) -> Sequence[str]:
        return [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--save", "", "--appendonly", "no", "--requirepass", PASSWORD,
        ]  # fmt: skip

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.exceptions.RedisError:
            return False

    def url(self, database: int = 0) -> str:
        """The address of one of its 16 databases."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> redis.Redis:
        """A client of the tests' own."""
        return redis.Redis(
            port=self.port, db=database, password=PASSWORD, socket_timeout=5, decode_responses=True
        )
