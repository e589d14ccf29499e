"""The database server dies and comes back under load: 503 meanwhile, and nothing is lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import pytest

from support.databases import KIND, SERVERS
from support.server import Server, serving, until
from support.servers.mariadb import MariaDb
from support.servers.postgres import Postgres

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"

pytestmark = pytest.mark.skipif(KIND == "sqlite", reason="is about database servers")


@pytest.fixture
def database() -> Iterator[Postgres | MariaDb]:
    """A server that keeps what it has acknowledged, whatever happens to it."""
    with SERVERS[KIND](durable=True) as database:
        yield database


class Crowd:
    """Somebody who asks for tickets all the time, and notes what became of each request."""

    def __init__(self, server: Server) -> None:
        self.tickets: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._server, self._stop = server, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._server.url, timeout=40) as http:
            while not self._stop.is_set():
                answer = http.post(
                    "/api/tasks/double/predict",
                    json={"inputs": {"x": time.monotonic_ns()}},
                    headers={"Prefer": "respond-async"},
                )
                self.statuses[answer.status_code] += 1
                if answer.status_code == 202:
                    self.tickets.append(answer.json()["id"])
                else:
                    assert answer.headers["retry-after"]
                    time.sleep(0.05)


def test_a_restart_of_the_database_under_load_loses_nothing_and_restarts_nothing_of_ours(
    tmp_path: Path, database: Postgres | MariaDb
) -> None:
    with serving(tmp_path, TASKS, FRONTDESK_DATABASE=database.new_database()) as server:
        processes = [*server.children("web"), *server.children("worker")]
        with Crowd(server) as crowd, server.http.stream("GET", "/api/events") as events:
            until(lambda: len(crowd.tickets) >= 20, 30, "the first tickets")
            database.kill()
            until(lambda: server.http.get("/readyz").status_code == 503, 20, "that it is not ready")
            refused = server.http.get("/jobs", headers={"Accept": "text/html"})
            assert refused.status_code == 503
            assert "Try again" in refused.text
            assert str(database.port) not in refused.text
            until(lambda: crowd.statuses[503] > 0, 30, "a refusal")
            database.start()
            until(lambda: server.http.get("/readyz").status_code == 200, 10, "that it is ready again")
            before = len(crowd.tickets)
            until(lambda: len(crowd.tickets) >= before + 20, 30, "tickets after it")
            newest = crowd.tickets[-1]
            end = time.monotonic() + 30
            for line in events.iter_lines():
                assert time.monotonic() < end, "the stream of before does not go on"
                if newest in line and "succeeded" in line:
                    break
        assert set(crowd.statuses) == {202, 503}
        for ticket in crowd.tickets:
            assert server.finished(ticket, 60)["state"] == "succeeded"
        assert [*server.children("web"), *server.children("worker")] == processes
        assert "open-sesame" not in server.log_text()
