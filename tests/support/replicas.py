"""Two web replicas behind nginx, with a database, Redis and a folder for files that they share, and one worker.

As it would be on three machines: each replica and the worker has a data folder of its own, and hosts of its own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.people import PASSWORD, Browser
from support.server import Server
from support.servers.postgres import Postgres
from support.servers.process import free_port
from support.servers.proxy import Proxy
from support.servers.redis import RedisServer

SHARED = ("files", "versions", "batches", "checkpoints")


class Replicas:
    """`with replicas(folder, source) as site: site.proxy.http.get("/")`."""

    def __init__(
        self, folder: Path, source: Path, postgres: Postgres, redis: RedisServer, **more: str
    ) -> None:
        self._source = source
        self.redis = redis
        self._environment = {
            "FRONTDESK_DATABASE": postgres.new_database(),
            "FRONTDESK_ENGINE": "redis",
            "FRONTDESK_REDIS": redis.url(),
            "FRONTDESK_ACCESS": "accounts",
            "FRONTDESK_LEASE_S": "4",
            "FRONTDESK_SWEEP_S": "1",
            **more,
        }
        self.ports = (free_port(), free_port())
        self.replicas = tuple(self._replica(folder, port) for port in self.ports)
        self.worker_data = self._own_folder(folder, "worker")
        self.proxy = Proxy(self.ports)
        self.addresses = [f"127.0.0.1:{port}" for port in self.ports]

    def _own_folder(self, folder: Path, name: str) -> Path:
        data = folder / name
        data.mkdir()
        for shared in SHARED:
            (folder / "shared" / shared).mkdir(parents=True, exist_ok=True)
            (data / shared).symlink_to(folder / "shared" / shared)
        return data

    def _replica(self, folder: Path, port: int) -> Server:
        data = self._own_folder(folder, f"web-{port}")
        return Server(data, [self._source], "--port", str(port), "--workers", "0", **self._environment)

    # ------------------------------------------------------------------------ using it

    def add_user(self, name: str, role: str) -> None:
        """Somebody with the password of all."""
        self.run("users", "add", f"{name}@example.org", "--role", role, "--password-stdin", input=PASSWORD)

    def token(self, name: str) -> str:
        """A token of somebody that may ask and send files."""
        return self.run("tokens", "add", f"{name}@example.org", "--name", "test").strip()

    def run(self, *words: str, input: str = "") -> str:
        """Run a command of frontdesk as on one of the machines."""
        done = subprocess.run(
            [sys.executable, "-m", "frontdesk", *words, "--data", str(self.worker_data)],
            env={**os.environ, **self._environment}, input=input, text=True, capture_output=True, check=False,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def browser(self) -> Browser:
        """A person without scripts, who comes by nginx."""
        return Browser(self.proxy.url, verify=self.proxy.trust)

    def answered_by(self, since: int = 0) -> list[str]:
        """Which replica answered each request that nginx has logged, from the one with that number on."""
        return [str(record["replicas"]) for record in self.proxy.exchanges()[since:] if record["replicas"]]

    # ----------------------------------------------------------------------- running it

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything, for the length of a with block."""
        with contextlib.ExitStack() as stack:
            for replica in self.replicas:
                stack.enter_context(replica)
            stack.enter_context(self._working())
            stack.enter_context(self.proxy)
            yield

    @contextmanager
    def _working(self) -> Iterator[None]:
        with (self.worker_data / "worker.log").open("a") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "frontdesk", "worker", str(self._source), "--data", str(self.worker_data)],
                env={**os.environ, **self._environment}, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield
        finally:
            worker.terminate()
            worker.wait(timeout=60)


@contextmanager
def replicas(folder: Path, source: Path, **more: Any) -> Iterator[Replicas]:
    """The whole site, for the length of a with block."""
    with Postgres(durable=False) as postgres, RedisServer() as redis:
        site = Replicas(folder, source, postgres, redis, **more)
        with site.running():
            yield site
