"""A web process without workers, and workers that share nothing with it but the database, the files and Redis."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.databases import DATABASES
from support.server import Server, until
from support.servers.redis import RedisServer

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as redis:
        yield redis


def environment(redis: RedisServer) -> dict[str, str]:
    return {"FRONTDESK_ENGINE": "redis", "FRONTDESK_REDIS": redis.url(), "FRONTDESK_SWEEP_S": "1"}


@pytest.fixture(scope="module")
def web(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Pages and API, and nobody to do jobs."""
    with Server(
        tmp_path_factory.mktemp("web") / "data", [TASKS], "--workers", "0", **environment(redis)
    ) as server:
        yield server


@contextlib.contextmanager
def worker_elsewhere(web: Server, redis: RedisServer, log_file: Path) -> Iterator[None]:
    """A worker whose sockets are in another place, as on another machine: no local bell reaches it."""
    with tempfile.TemporaryDirectory(prefix="fd-") as sockets, log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "frontdesk", "worker", str(TASKS), "--data", str(web.data)],
            env={
                **os.environ, **environment(redis), "XDG_RUNTIME_DIR": sockets,
                "FRONTDESK_DATABASE": DATABASES.url_of(web.data),
            },
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            until(lambda: _names(redis) or process.poll() is not None, 40, "the worker")
            assert process.poll() is None, log_file.read_text()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=40)


def _names(redis: RedisServer) -> list[str]:
    """The workers RQ knows, by the keys of their entries."""
    client = redis.client()
    return [name for name in client.smembers("rq:workers") if client.exists(name)]  # type: ignore[union-attr]


def unfinished(web: Server) -> int:
    return int(web.rows("select count(*) from jobs where state in ('queued', 'running')")[0][0])


def assert_each_succeeded_once(web: Server, job_ids: list[str]) -> None:
    states = dict(web.rows("select id, state from jobs"))
    ends = "select count(*) from events where event = 'state' and cast(data as char(200)) like '%succeeded%'"
    ((number,),) = web.rows(ends)
    assert {job_id: states.get(job_id) for job_id in job_ids} == dict.fromkeys(job_ids, "succeeded")
    assert number == sum(state == "succeeded" for state in states.values())


def rq_info(redis: RedisServer) -> str:
    command = [Path(sys.executable).with_name("rq"), "info", "--raw", "--url", redis.url()]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def test_a_worker_elsewhere_does_what_waits_and_is_woken_by_redis(
    web: Server, redis: RedisServer, tmp_path: Path
) -> None:
    waiting = [web.submit("double", x=n) for n in range(20)]
    until(lambda: "queue frontdesk.predict.double 20, " in rq_info(redis), 10, "twenty in rq's eyes")
    with worker_elsewhere(web, redis, tmp_path / "log"):
        for job_id in waiting:
            assert web.finished(job_id)["state"] == "succeeded"
        # Asked one by one of an idle worker, whose own look into the table comes every five seconds only.
        began = time.monotonic()
        for n in range(5):
            web.finished(web.submit("double", x=n, pause_s=0))
        assert time.monotonic() - began < 5, "none of them waited for a look"
        told = rq_info(redis)
        assert "queue frontdesk.predict.double 0, 0 executing, 0 finished, 0 failed" in told
        assert "frontdesk.predict.double" in told.split("worker ", 1)[1]
        assert not redis.client().keys("rq:job:*")


def test_a_wiped_redis_loses_nothing(web: Server, redis: RedisServer, tmp_path: Path) -> None:
    job_ids = [web.submit("double", x=n, pause_s=0.01) for n in range(100)]
    redis.client().flushall()
    until(lambda: "queue frontdesk.predict.double 100, " in rq_info(redis), 10, "the ids, put in line again")
    with worker_elsewhere(web, redis, tmp_path / "log"):
        until(lambda: unfinished(web) < 90, 20, "the first")
        redis.client().flushall()
        until(lambda: not unfinished(web), 30, "the rest")
    assert_each_succeeded_once(web, job_ids)


def test_a_redis_killed_under_load_and_started_again_costs_no_request_and_no_job(
    web: Server, redis: RedisServer, tmp_path: Path
) -> None:
    accepted: list[str] = []
    refused: list[str] = []
    is_over = threading.Event()

    def submit() -> None:
        with httpx.Client(base_url=web.url, timeout=30) as http:
            while not is_over.is_set():
                response = http.post(
                    "/api/tasks/double/predict",
                    json={"inputs": {"x": len(accepted), "pause_s": 0.001}},
                    headers={"Prefer": "respond-async", "Idempotency-Key": f"load-{time.monotonic_ns()}"},
                )
                # 200 where the worker was quicker than the answer.
                is_accepted = response.status_code in (200, 202)
                (accepted if is_accepted else refused).append(response.json().get("id"))

    with worker_elsewhere(web, redis, tmp_path / "log"):
        thread = threading.Thread(target=submit)
        thread.start()
        try:
            until(lambda: len(accepted) > 20, 20, "load")
            redis.kill()
            before = len(accepted)
            until(lambda: len(accepted) > before + 50, 30, "load without Redis")
            redis.start()
            before = len(accepted)
            until(lambda: len(accepted) > before + 20, 20, "load with Redis")
        finally:
            is_over.set()
            thread.join()
        assert refused == []
        until(lambda: not unfinished(web), 60, "the rest")
        assert_each_succeeded_once(web, accepted)
        until(lambda: _names(redis), 15, "the worker's name")
        until(lambda: "queue frontdesk.predict.double 0, " in rq_info(redis), 15, "an empty line")
    assert "Traceback" not in web.log_text()
    assert "open-sesame" not in web.log_text()
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_redis_that_hangs_freezes_no_request(web: Server, redis: RedisServer, tmp_path: Path) -> None:
    redis.freeze()
    try:
        times_s = []
        for n in range(20):
            began = time.monotonic()
            web.submit("double", x=n, pause_s=0.5)
            assert web.http.get("/api/jobs?limit=1").status_code == 200
            times_s.append(time.monotonic() - began)
        times_s.sort()
        assert times_s[10] < 0.4, "an answer of Redis that is waited for takes half a second at least"
    finally:
        redis.thaw()
    with worker_elsewhere(web, redis, tmp_path / "log"):
        until(lambda: not unfinished(web), 30, "what was submitted meanwhile")


def test_doctor_says_whether_redis_answers_and_never_its_password(redis: RedisServer, tmp_path: Path) -> None:
    def doctor(url: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "frontdesk", "doctor", "--data", str(tmp_path)],
            env={**os.environ, "FRONTDESK_REDIS": url}, capture_output=True, text=True, timeout=60, check=False,
        ).stdout  # fmt: skip

    told = doctor(redis.url())
    assert f"ok     Redis: redis://127.0.0.1:{redis.port}/0, version " in told
    wrong = doctor(redis.url().replace("open-sesame", "shut-sesame"))
    assert f"WRONG  Redis: redis://127.0.0.1:{redis.port}/0 does not answer (" in wrong
    assert "WRONG  Redis: redis must be an address" in doctor("http://somewhere")
    assert "sesame" not in told + wrong
