"""Three workers and the web process replaced under load, at once and one by one: each job has one result."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.test_jobs_survive import assert_each_succeeded_once, unfinished
from support.server import Server, serving, until
from support.workers import WorkerProcess, working

TASKS = Path(__file__).parent.parent / "support" / "tasks"


@contextlib.contextmanager
def load(server: Server, given: list[str], failed: list[str]) -> Iterator[None]:
    """Somebody who asks for tickets, and somebody who waits for answers, for the length of a with block."""
    stop = threading.Event()

    def ask(prefer: str) -> None:
        while not stop.is_set():
            body = {"inputs": {"x": time.monotonic_ns(), "pause_s": 0.02}}
            with httpx.Client(base_url=server.url, timeout=30) as http:  # a connection each: none is cut off
                response = http.post("/api/tasks/double/predict", json=body, headers={"Prefer": prefer})
            if response.status_code == 202:
                given.append(response.json()["id"])
            elif response.status_code != 200:
                failed.append(response.text)

    clients = [threading.Thread(target=ask, args=(prefer,)) for prefer in ("respond-async", "wait=20")]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        stop.set()
        for client in clients:
            client.join()


def begin_file(server: Server) -> str:
    content = "x,pause_s\n" + "1,0.01\n" * 300
    sent = server.http.post("/api/tasks/double/batch", files={"file": ("a.csv", content.encode())})
    return str(sent.json()["id"])


def assert_nothing_was_lost(server: Server, job_ids: list[str]) -> None:
    until(lambda: not unfinished(server), 90, "the rest of the jobs", every_s=0.2)
    assert_each_succeeded_once(server, job_ids)
    # Given back is not tried: nobody's attempt was spent.
    assert [*server.rows("select max(attempts) from jobs")] == [(1,)]


@pytest.mark.timeout(180)
def test_a_server_that_is_told_so_replaces_its_processes_without_losing_a_job(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS / "trivial.py", options=["--workers", "3"]) as server:
        assert server.process is not None
        before = {process.pid for role in ("web", "worker") for process in server.children(role)}
        given, failed = [begin_file(server)], list[str]()
        with load(server, given, failed):
            time.sleep(1)
            server.process.send_signal(signal.SIGHUP)
            until(lambda: "replaced by" in server.log_text(), 90, "the replacement", every_s=0.2)
        after = {process.pid for role in ("web", "worker") for process in server.children(role)}
        assert len(after) == 4
        assert not before & after
        assert failed == []
        assert len(given) > 20
        assert_nothing_was_lost(server, given)


@pytest.mark.timeout(180)
def test_workers_of_their_own_are_replaced_one_after_another(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS / "trivial.py", options=["--workers", "0"]) as server:
        given, failed = [begin_file(server)], list[str]()
        with contextlib.ExitStack() as stack:

            def start(mark: str) -> WorkerProcess:
                return stack.enter_context(working(server, mark, "--concurrency", "2"))

            crew = [start(f"{n}") for n in range(3)]
            with load(server, given, failed):
                for n, old in enumerate(list(crew)):
                    crew.append(start(f"{n}-new"))
                    if n == 2:  # as the button on the page has it leave
                        server.http.post(f"/api/workers/{old.name}/leave").raise_for_status()
                        assert old.process.wait(40) == 0
                    else:
                        assert old.stop() == 0
                    assert old.row() is None
            assert failed == []
            assert len(given) > 20
            assert_nothing_was_lost(server, given)
