"""Two web processes on folders of their own, as on two machines: they share a database and Redis, and act as one."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.people import Browser
from support.server import Server
from support.servers.postgres import Postgres
from support.servers.redis import RedisServer

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as redis:
        yield redis


@pytest.fixture(scope="module")
def replicas(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """The first has a worker. Everybody may send forty requests a minute."""
    with Postgres(durable=False) as postgres:
        environment = {
            "FRONTDESK_ENGINE": "redis", "FRONTDESK_REDIS": redis.url(), "FRONTDESK_SWEEP_S": "1",
            "FRONTDESK_DATABASE": postgres.new_database(), "FRONTDESK_ACCESS": "accounts",
            "FRONTDESK_QUOTA_REQUESTS": "40", "FRONTDESK_VISITOR_REQUESTS": "0",
        }  # fmt: skip
        folder = tmp_path_factory.mktemp("replicas")
        with (
            Server(folder / "one", [TASKS], **environment) as one,
            Server(folder / "two", [TASKS], "--workers", "0", **environment) as two,
        ):
            yield one, two


def token_of(name: str, server: Server) -> dict[str, str]:
    """What a new user shows."""
    email = f"{name}@example.org"
    server.run("users", "add", email, "--role", "admin", "--password-stdin", input=PASSWORD)
    return {"Authorization": f"Bearer {server.run('tokens', 'add', email, '--name', 'test').strip()}"}


class Ear(threading.Thread):
    """Reads the events of Alice's jobs from one replica."""

    def __init__(self, server: Server, token: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self._url, self._token = f"{server.url}/api/events", token
        self._is_open = threading.Event()
        self.start()
        assert self._is_open.wait(30)

    def run(self) -> None:
        headers = {**self._token, "Accept": "text/event-stream"}
        with httpx.Client(timeout=60) as http, http.stream("GET", self._url, headers=headers) as stream:
            for line in stream.iter_lines():
                self._is_open.set()
                if line.startswith("data: {") and '"state"' in line:
                    self.heard.put(json.loads(line[6:]))

    def succeeded(self, job_id: str, timeout_s: float) -> float:
        """Seconds until it hears that this job succeeded."""
        began = time.monotonic()
        while True:
            event = self.heard.get(timeout=timeout_s)
            if event["job"] == job_id and event["data"].get("state") == "succeeded":
                return time.monotonic() - began


def submit(server: Server, token: dict[str, str], **inputs: float) -> str:
    headers = {**token, "Prefer": "respond-async"}
    response = server.http.post("/api/tasks/double/predict", json={"inputs": inputs}, headers=headers)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def test_events_of_one_replica_reach_who_listens_to_the_other_at_once(
    replicas: tuple[Server, Server], redis: RedisServer
) -> None:
    one, two = replicas
    token = token_of("alice", one)
    ear = Ear(two, token)
    ear.succeeded(submit(one, token, x=0), 30)
    times_s = sorted(ear.succeeded(submit(one, token, x=x, pause_s=0), 30) for x in range(1, 8))
    assert times_s[3] < 3, "without Redis it would look every ten seconds"
    # The line to Redis breaks while something happens: nothing is missed.
    job_id = submit(one, token, x=9, pause_s=1.0)
    redis.kill()
    time.sleep(1.5)
    redis.start()
    ear.succeeded(job_id, 15)


def test_requests_are_counted_by_both_together(replicas: tuple[Server, Server]) -> None:
    token = token_of("carol", replicas[0])
    statuses: list[int] = []
    while len(statuses) < 60:
        server = replicas[len(statuses) % 2]
        statuses.append(server.http.get("/api/jobs", headers=token).status_code)
        if statuses.count(429) >= 6:
            break
        time.sleep(0.12)  # what one replica counted has reached the other
    assert 40 <= statuses.index(429) <= 42
    assert statuses[-4:] == [429] * 4, "by either of them"


def test_guesses_of_a_password_are_counted_by_both_together(replicas: tuple[Server, Server]) -> None:
    tries = [_guess(replicas[n % 2]) for n in range(14)]
    assert tries == [403] * 10 + [429] * 4, "ten for an account, wherever they are made"


def _guess(server: Server) -> int:
    with Browser(server.url) as browser:
        return browser.sign_in("bob", "a guess").status_code
