"""The local engine between real sockets and, where it matters, real processes."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.desk.engine import Errand, Post
from frontdesk.run.engines.local import LocalEngine
from frontdesk.store.ids import new_id

POST = Post("worker", ("predict", "batch"), ("flowers",))
ERRAND = Errand("predict", "flowers", "an id")


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    engine = LocalEngine(tmp_path_factory.mktemp("b"))
    yield engine
    engine.close()


def test_it_wakes_every_worker_with_the_lane(engine: LocalEngine) -> None:
    heard: queue.Queue[str] = queue.Queue()
    attendances = [engine.attend(POST, heard.put), engine.attend(POST, heard.put)]
    engine.wake([ERRAND])
    assert [heard.get(timeout=2), heard.get(timeout=2)] == ["predict", "predict"]
    for attendance in attendances:
        attendance.stop()


def test_it_announces_many_jobs_in_few_messages_and_in_order(engine: LocalEngine) -> None:
    heard: queue.Queue[list[str]] = queue.Queue()
    stop = engine.listen(lambda ids: heard.put(list(ids)))
    job_ids = [new_id() for _ in range(450)]
    engine.announce(job_ids)
    received = [heard.get(timeout=2) for _ in range(3)]
    stop()
    assert [job_id for part in received for job_id in part] == job_ids


def test_nobody_listening_is_no_error(engine: LocalEngine) -> None:
    engine.wake([ERRAND])
    engine.announce([new_id()])


def test_it_hears_nothing_after_it_stopped_listening(engine: LocalEngine, tmp_path: Path) -> None:
    heard: list[object] = []
    engine.listen(heard.append)()
    engine.announce([new_id()])
    assert heard == []


def test_the_socket_of_a_killed_listener_is_cleared_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("b")
    program = (
        "import sys, time, pathlib\n"
        "from frontdesk.run.engines.local import LocalEngine\n"
        f"LocalEngine(pathlib.Path({str(folder)!r})).listen(print)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "ready\n"
        assert len(list(folder.iterdir())) == 1
        listener.kill()
    with contextlib.closing(LocalEngine(folder)) as engine:
        engine.announce([new_id()])
    assert list(folder.iterdir()) == []


def test_a_listener_that_does_not_read_costs_little_and_breaks_nothing(engine: LocalEngine) -> None:
    started, release = queue.Queue[str](), queue.Queue[None]()

    def busy(lane: str) -> None:
        started.put(lane)
        release.get()

    attendance = engine.attend(POST, busy)
    engine.wake([ERRAND])
    started.get(timeout=2)
    for _ in range(40):  # more than the socket's own queue holds
        engine.wake([ERRAND])
    for _ in range(60):
        release.put(None)
    attendance.stop()


def test_a_worker_is_not_woken_for_lanes_it_does_not_serve(engine: LocalEngine) -> None:
    heard: queue.Queue[str] = queue.Queue()
    attendance = engine.attend(POST, heard.put)
    engine.wake([ERRAND._replace(lane="train"), ERRAND._replace(lane="batch")])
    engine.remind(["predict"], [])
    assert sorted([heard.get(timeout=2), heard.get(timeout=2)]) == ["batch", "predict"]
    attendance.stop()
