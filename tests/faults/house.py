"""A whole installation on this machine: a database, Redis, a bucket, nginx, two web replicas, three workers.

What would be a machine is a folder here: no replica and no worker sees another's.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from faults.chaos import Part
from support.servers.objects import ObjectServer
from support.servers.postgres import Postgres
from support.servers.process import ServerProcess
from support.servers.proxy import Proxy
from support.servers.redis import RedisServer

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"
LEASE_S = 4.0
_BUCKET = "faults"


class Frontdesk(ServerProcess):
    """A `frontdesk` command that runs until it is ended, with a data folder of its own."""

    patience_s = 60.0

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__()
        self._command, self._environment = command, environment

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    def command(self) -> Sequence[str]:
        settings = [f"{name}={value}" for name, value in self._environment.items()]
        name, *options = self._command
        words = ["-m", "frontdesk", name, str(TASKS), "--data", str(self.data), *options]
        return ["env", *settings, sys.executable, *words]


class Replica(Frontdesk):
    """A web replica: pages and API, and no worker."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(["serve", "--workers", "0"], environment)
        self._command = [*self._command, "--port", str(self.port)]

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


class Hand(Frontdesk):
    """A worker."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(["worker", "--concurrency", "8"], environment)

    def answers(self) -> bool:
        return "Ctrl-C ends it" in self.log_text()


@dataclass(frozen=True, slots=True)
class House:
    """What the parts are, and how it is reached."""

    parts: Sequence[Part]
    url: str
    trust: ssl.SSLContext
    token: str
    database: str


@contextlib.contextmanager
def house(folder: Path) -> Iterator[House]:
    """All of it, well and ready; all of it ends with the block."""
    with contextlib.ExitStack() as stack:
        objects = stack.enter_context(ObjectServer(folder / "objects"))
        objects.make_bucket(_BUCKET)
        postgres = stack.enter_context(Postgres())
        redis = stack.enter_context(RedisServer())
        database = postgres.new_database()
        environment = {
            **objects.environment(_BUCKET),
            "FRONTDESK_DATABASE": database,
            "FRONTDESK_ENGINE": "redis",
            "FRONTDESK_REDIS": redis.url(),
            "FRONTDESK_LEASE_S": f"{LEASE_S:g}",
            "FRONTDESK_SWEEP_S": "1",
            "FRONTDESK_QUOTA_REQUESTS": "0",
            "FRONTDESK_QUOTA_JOBS_WAITING": "0",
            # A worker may die of a fault while it holds a job; how often that may be is not what is tested.
            "FRONTDESK_ATTEMPTS_LIMIT": "1000",
            "FRONTDESK_MODELS": str(folder / "models"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        replicas = [stack.enter_context(Replica(environment)) for _ in range(2)]
        hands = [stack.enter_context(Hand(environment)) for _ in range(3)]
        nginx = stack.enter_context(Proxy([replica.port for replica in replicas]))
        parts = [
            Part("postgres", postgres),
            Part("redis", redis),
            Part("nginx", nginx),
            *(Part(f"web-{n}", replica) for n, replica in enumerate(replicas, 1)),
            *(Part(f"worker-{n}", hand) for n, hand in enumerate(hands, 1)),
        ]
        token = _token(replicas[0].data, environment)
        yield House(parts, nginx.url, nginx.trust, token, database)


def _token(data: Path, environment: Mapping[str, str]) -> str:
    """A user who may ask and send files, and what their programs show."""

    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "frontdesk", *words, "--data", str(data)],
            env={**os.environ, **environment}, capture_output=True, text=True, check=True, timeout=60,
        ).stdout.strip()  # fmt: skip

    run("users", "add", "ann@example.org", "--role", "member")
    return run("tokens", "add", "ann@example.org", "--name", "faults")
