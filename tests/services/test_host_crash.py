"""A real server whose model crashes or hangs: the others hardly notice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil

from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"


def ask(server: Server, what: str) -> httpx.Response:
    return server.predict("trouble", what=what)


def host_pids(server: Server) -> set[int]:
    return {process.pid for process in server.children("host")}


def test_a_segfault_amid_200_concurrent_calls_fails_that_call_alone(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server, ThreadPoolExecutor(50) as pool:
        assert ask(server, "nothing").status_code == 200
        whats = ["segfault" if n == 100 else "nothing" for n in range(200)]
        responses = list(pool.map(lambda what: ask(server, what), whats))
        assert [n for n, response in enumerate(responses) if response.status_code != 200] == [100]
        assert responses[100].status_code == 503
        assert responses[100].headers["content-type"].startswith("application/problem+json")
        assert "died" in responses[100].json()["detail"]
        assert ask(server, "nothing").status_code == 200


def test_a_hung_call_is_ended_at_the_models_deadline(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server, ThreadPoolExecutor(5) as pool:
        assert ask(server, "nothing").status_code == 200
        began = time.monotonic()
        hung = pool.submit(ask, server, "hang")
        time.sleep(0.2)
        mates = [pool.submit(ask, server, "nothing") for _ in range(4)]
        assert hung.result().status_code == 504  # the task's own limit is 5 s
        assert 4.5 < time.monotonic() - began < 7
        assert [mate.result().status_code for mate in mates] == [200] * 4


def test_all_web_processes_share_one_host(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS, options=["--web-workers", "2"]) as server:
        for _ in range(20):
            with httpx.Client(base_url=server.url) as fresh:  # a new connection, so either may take it
                response = fresh.post("/api/tasks/double/predict", json={"inputs": {"x": 2}})
                assert response.status_code == 200
        models = [p for p in server.children("host") if p.is_running()]
        assert len(models) == 2  # one for each task
        assert len(server.children("web")) == 2


def test_hosts_end_with_the_server_however_it_ends(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        assert ask(server, "nothing").status_code == 200
        pids = host_pids(server)
        assert pids
        assert server.process
        psutil.Process(server.process.pid).kill()
        until(lambda: not any(psutil.pid_exists(pid) for pid in pids), 5, "the end of the hosts")
