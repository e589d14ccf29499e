"""The engine `redis` on a real server: ids in RQ's queues, news to everybody, and nothing owed to Redis."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.desk.engine import Errand, Post, QuietEngine
from frontdesk.run.engines.redis import RedisEngine
from frontdesk.store.ids import new_id
from frontdesk.store.redis_link import RedisLink
from support.server import until
from support.servers.redis import RedisServer

POST = Post("worker-1", ("predict", "batch"), ("flowers", "photos"))


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(autouse=True)
def empty(server: RedisServer) -> None:
    server.client().flushall()


@contextlib.contextmanager
def engine_on(server: RedisServer) -> Iterator[tuple[RedisEngine, QuietEngine]]:
    local = QuietEngine()
    engine = RedisEngine(RedisLink(server.url()), local)
    yield engine, local
    engine.close()


@pytest.fixture
def engine(server: RedisServer) -> Iterator[RedisEngine]:
    with engine_on(server) as (engine, _):
        yield engine


def errands(number: int, lane: str = "predict", task: str = "flowers") -> list[Errand]:
    return [Errand(lane, task, new_id()) for _ in range(number)]


def rq_info(server: RedisServer) -> str:
    """What RQ's own command prints."""
    rq = Path(sys.executable).with_name("rq")
    done = subprocess.run(
        [rq, "info", "--raw", "--url", server.url()], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def length(server: RedisServer, queue_name: str) -> int:
    return int(server.client().llen(f"rq:queue:{queue_name}"))  # type: ignore[arg-type]


def test_rq_info_shows_what_waits_and_who_works_and_is_empty_again(
    server: RedisServer, engine: RedisEngine
) -> None:
    flowers, photos = errands(5), errands(3, "batch", "photos")
    engine.wake([*flowers, *photos])
    until(lambda: length(server, "frontdesk.batch.photos") == 3, 5, "the ids")
    attendance = engine.attend(POST._replace(lanes=("train",)), print)
    until(lambda: server.client().exists("rq:worker:worker-1"), 5, "the name")
    told = rq_info(server)
    assert "queue frontdesk.predict.flowers 5, 0 executing, 0 finished, 0 failed" in told
    assert "queue frontdesk.batch.photos 3, 0 executing, 0 finished, 0 failed" in told
    assert f"worker worker-1 ({os.uname().nodename} 127.0.0.1:" in told
    assert f" {os.getpid()}) idle frontdesk.train.flowers, frontdesk.train.photos." in told
    engine.taken([*flowers[1:], *photos])
    engine.taken(flowers[:1])
    attendance.stop()
    until(lambda: length(server, "frontdesk.predict.flowers") == 0, 5, "the end")
    told = rq_info(server)
    assert "queue frontdesk.predict.flowers 0, " in told
    assert "queue frontdesk.batch.photos 0, " in told
    assert "worker-1" not in told
    assert not server.client().keys("rq:job:*")


def test_a_worker_is_woken_for_one_id_at_a_time_and_only_where_it_has_room(
    server: RedisServer, engine: RedisEngine
) -> None:
    woken: queue.Queue[str] = queue.Queue()
    attendance = engine.attend(POST, woken.put)
    attendance.wants(["batch"], 0)
    first, second = errands(2)
    engine.wake([first, second])
    [file] = errands(1, "batch", "photos")
    engine.wake([file])
    assert woken.get(timeout=5) == "batch"
    engine.taken([file])
    attendance.wants([], 1)
    time.sleep(0.2)
    assert woken.empty()
    assert length(server, "frontdesk.predict.flowers") == 2
    attendance.wants(["predict"], 1)
    assert woken.get(timeout=5) == "predict"
    # It has the first in hand, and takes the second: the table says who is next. The first goes back in line.
    engine.taken([second])
    attendance.wants(["predict"], 2)
    assert woken.get(timeout=5) == "predict"
    engine.taken([first])
    attendance.wants(["predict", "batch"], 3)
    until(lambda: not server.client().keys("rq:job:*"), 5, "an empty line")
    assert length(server, "frontdesk.predict.flowers") == 0
    attendance.stop()


def test_an_id_nobody_can_take_is_dropped_and_one_that_is_taken_before_it_comes_is_not_put_in_line(
    server: RedisServer, engine: RedisEngine
) -> None:
    woken: queue.Queue[str] = queue.Queue()
    attendance = engine.attend(POST, woken.put)
    attendance.wants(["predict"], 0)
    [gone] = errands(1)
    engine.wake([gone])
    assert woken.get(timeout=5) == "predict"
    attendance.wants(["predict"], 0)  # it looked, and found nothing
    until(lambda: not server.client().keys("rq:job:*"), 5, "its end")
    attendance.stop()
    [early] = errands(1)
    engine.taken([early])
    engine.wake([early])
    [last] = errands(1)
    engine.wake([last])
    until(lambda: server.client().exists(f"rq:job:{last.job_id}"), 5, "the last")
    assert server.client().lrange("rq:queue:frontdesk.predict.flowers", 0, -1) == [last.job_id]


def test_ids_are_taken_out_near_both_ends_of_a_long_line_and_deep_ones_when_they_come_to_the_front(
    server: RedisServer, engine: RedisEngine
) -> None:
    waiting = errands(5000)
    engine.wake(waiting)
    until(lambda: length(server, "frontdesk.predict.flowers") == 5000, 10, "the ids")
    deep = waiting[2500]
    engine.taken([waiting[10], deep, waiting[-10]])
    until(lambda: length(server, "frontdesk.predict.flowers") == 4998, 5, "two gone")
    assert not server.client().exists(f"rq:job:{deep.job_id}")
    engine.taken(waiting[:2500])
    until(lambda: length(server, "frontdesk.predict.flowers") == 2499, 10, "the others gone")
    woken: queue.Queue[str] = queue.Queue()
    attendance = engine.attend(POST, woken.put)
    attendance.wants(["predict"], 0)
    assert woken.get(timeout=5) == "predict"
    engine.taken(waiting[2501:2502])
    attendance.wants([], 1)
    until(lambda: length(server, "frontdesk.predict.flowers") == 2497, 5, "the deep one gone, too")
    attendance.stop()


def test_what_redis_forgot_is_put_in_line_again_once(server: RedisServer, engine: RedisEngine) -> None:
    waiting = errands(1200)
    engine.remind(["predict"], iter(waiting))
    assert length(server, "frontdesk.predict.flowers") == 1200
    read = iter(waiting)
    engine.remind(["predict"], read)
    assert next(read) == waiting[0], "it had all of them, so it did not read them again"
    server.client().flushall()
    engine.remind(["predict"], iter(waiting))
    assert server.client().lrange("rq:queue:frontdesk.predict.flowers", 0, -1) == [e.job_id for e in waiting]


def test_news_reach_every_process_and_a_broken_line_says_look(server: RedisServer) -> None:
    heard: queue.Queue[list[str]] = queue.Queue()
    with engine_on(server) as (here, _), engine_on(server) as (there, _):
        stop = there.listen(lambda ids: heard.put([*ids]))
        assert heard.get(timeout=5) == [], "from here on nothing is missed"
        job_ids = [new_id() for _ in range(450)]
        here.announce(job_ids)
        parts = [heard.get(timeout=5) for _ in range(3)]
        assert [job_id for part in parts for job_id in part] == job_ids
        server.client().client_kill_filter(_type="pubsub")
        assert heard.get(timeout=10) == []
        here.announce(job_ids[:1])
        assert heard.get(timeout=5) == job_ids[:1]
        stop()


def test_while_redis_is_away_the_processes_of_one_machine_ring_each_other(server: RedisServer) -> None:
    with engine_on(server) as (engine, local):
        server.kill()
        try:
            engine.wake(errands(1))
            engine.announce(["an id"])
            until(lambda: local.announced == ["an id"], 5, "the news")
            assert local.woken == ["predict"]
            engine.remind(["batch"], [])
            assert local.woken == ["predict", "batch"]
        finally:
            server.start()
        # What was lost is put in line by the next sweep, and what comes from now on goes by Redis again.
        waiting = errands(2)
        engine.remind(["predict"], iter(waiting))
        until(lambda: _comes_through(server, engine), 10, "Redis")
        engine.remind(["predict"], iter(waiting))
        assert server.client().exists(*(f"rq:job:{e.job_id}" for e in waiting)) == 2


def _comes_through(server: RedisServer, engine: RedisEngine) -> bool:
    [errand] = errands(1)
    engine.wake([errand])
    time.sleep(0.3)
    return bool(server.client().exists(f"rq:job:{errand.job_id}"))


def test_no_verb_waits_for_a_redis_that_hangs(server: RedisServer) -> None:
    with engine_on(server) as (engine, local):
        engine.wake(errands(1))
        until(lambda: length(server, "frontdesk.predict.flowers") == 1, 5, "the id")
        server.freeze()
        try:
            began = time.monotonic()
            for _ in range(200):
                engine.wake(errands(1))
                engine.taken(errands(1))
                engine.announce(["an id"])
            took_s = time.monotonic() - began
        finally:
            until(lambda: "an id" in local.announced, 10, "the neighbours")
            server.thaw()
        assert took_s < 0.5, "600 verbs that waited for an answer, even one of them, would take longer"


def test_a_password_is_in_no_log(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    with engine_on(server) as (engine, local):
        server.kill()
        try:
            engine.wake(errands(1))
            until(lambda: local.woken, 5, "the neighbours")
        finally:
            server.start()
    assert f"127.0.0.1:{server.port}/0 is away" in caplog.text
    assert "open-sesame" not in caplog.text
