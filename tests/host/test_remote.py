"""Real servers in another language, that answer, die, hang, refuse and talk nonsense."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from frontdesk.errors import HostCrashed, InvalidInput, ModelBroken, NoAnswer, PredictFailed
from frontdesk.host import tether
from frontdesk.host.circuit import Circuit
from support.hosts import MODELS, House, housed

AWAY = "This back end does not answer"


def node_pid(answer: str) -> int:
    return int(answer.split(" by ")[1].split(maxsplit=1)[0])


@contextmanager
def faraway(port: int) -> Iterator[None]:
    with subprocess.Popen(["node", MODELS / "faraway.js", str(port)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    monkeypatch.setenv("FARAWAY_PORT", str(port))
    return port


@housed("remotes.py")
async def test_calls_that_wait_leave_together(house: House) -> None:
    await house.ask("started")
    answers = await asyncio.gather(*(house.text("started", text=f"word {n}") for n in range(40)))
    assert [answer.split(" by ")[0] for answer in answers] == [f"word {n}" for n in range(40)]
    assert max(int(answer.rsplit(" ", 1)[1]) for answer in answers) > 5
    assert "listening" in await house.client.log("started", "started")


@housed("remotes.py")
async def test_what_it_refuses_and_fails_at_is_told_and_nobody_else_pays(house: House) -> None:
    words = ["one", "refuse", "fail", "number", "two"]
    one, refused, failed, mistyped, two = await asyncio.gather(
        *(house.text("started", text=word) for word in words), return_exceptions=True
    )
    assert str(one).startswith("one by")
    assert str(two).startswith("two by")
    assert isinstance(refused, InvalidInput)
    assert refused.faults[0].pointer == "/inputs/text"
    assert isinstance(failed, PredictFailed)
    assert "I dropped it." in str(failed)
    assert isinstance(mistyped, PredictFailed)


@housed("remotes.py")
async def test_a_server_killed_while_it_is_asked_costs_its_callers_only_time(house: House) -> None:
    first = await house.text("started")
    os.kill(node_pid(first), signal.SIGKILL)
    answers = await asyncio.gather(*(house.text("started") for _ in range(20)))
    assert node_pid(first) not in map(node_pid, answers)
    assert "SIGKILL" in await house.client.log("started", "started")


@housed("remotes.py")
async def test_a_question_that_kills_it_fails_alone(house: House) -> None:
    with pytest.raises(HostCrashed):
        await house.ask("started", text="die")
    assert (await house.text("started")).startswith("hello by")


@pytest.mark.parametrize("how", ["hang", "nonsense", "too few", "away"])
def test_one_that_does_not_answer_is_left_alone_and_tried_again(how: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with House(tmp_path, "remotes.py") as house:
            await house.ask("started")
            for _ in range(3):
                with pytest.raises(NoAnswer, match=AWAY):
                    await house.ask("started", text=how)
            began = time.monotonic()
            with pytest.raises(NoAnswer, match=r"asked again in 1 s\.") as caught:
                await house.ask("started")
            assert time.monotonic() - began < 0.2
            assert 0 < caught.value.retry_after_s <= 0.5
            await house.until(lambda: AWAY in house.status("started").reason)
            await asyncio.sleep(0.6)
            assert (await house.text("started")).startswith("hello by")
            await house.until(lambda: house.status("started").reason == "")

    asyncio.run(story())


@housed("remotes.py")
async def test_one_that_is_stuck_for_good_is_started_again(house: House) -> None:
    stuck = node_pid(await house.text("started"))
    for _ in range(3):
        with pytest.raises(NoAnswer):
            await house.ask("started", text="stop")
    await asyncio.sleep(0.6)
    answer = await house.text("started")
    assert node_pid(answer) != stuck
    assert not psutil.pid_exists(stuck) or psutil.Process(stuck).status() == psutil.STATUS_ZOMBIE


def test_one_that_runs_elsewhere_may_come_go_and_come_back(port: int, tmp_path: Path) -> None:
    async def story() -> None:
        async with House(tmp_path, "remotes.py") as house:
            with pytest.raises(NoAnswer, match="nobody listens"):
                await house.ask("found")
            assert house.status("found").state == "ready"
            with faraway(port):
                assert (await house.text("found")).startswith("hello by")
            for _ in range(3):
                with pytest.raises(NoAnswer, match=AWAY):
                    await house.ask("found")
            with faraway(port):
                await asyncio.sleep(0.6)
                assert (await house.text("found")).startswith("hello by")

    asyncio.run(story())


@housed("remotes.py", first_pause_s=0.01)
async def test_a_language_that_is_not_installed_is_named(house: House) -> None:
    with pytest.raises(ModelBroken, match="needs `no-such-language`, which is not installed"):
        await house.ask("missing")
    assert house.status("missing").state == "broken"


@housed("remotes.py", first_pause_s=0.01)
async def test_a_command_that_never_listens_is_ended(house: House) -> None:
    with pytest.raises(ModelBroken, match=r"`sleep 1000` was not ready after 0\.3 s"):
        await house.ask("mute")


@housed("remotes.py")
async def test_it_ends_with_its_host_even_if_that_is_killed(house: House) -> None:
    node = psutil.Process(node_pid(await house.text("started")))
    psutil.Process(house.status("started").pid).kill()
    await house.until(lambda: not node.is_running() or node.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("victim", ["starter", "tether"])
def test_no_command_outlives_whoever_started_it(victim: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    words = ["sh", "-c", "echo $$; sleep 1000"]
    with subprocess.Popen(
        [sys.executable, "-I", tether.__file__, place, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as tied:  # fmt: skip
        assert tied.stdout is not None
        assert tied.stdin is not None
        shell = psutil.Process(int(tied.stdout.readline()))
        if victim == "starter":
            tied.stdin.close()
            tied.wait(5)
            assert not place.exists()
        else:
            tied.kill()
        ends_at = time.monotonic() + 5
        while shell.is_running() and shell.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < ends_at
            time.sleep(0.01)
        tied.kill()
        for left in psutil.process_iter(["cmdline"]):
            if left.info["cmdline"] == ["sleep", "1000"] and os.getpgid(left.pid) == tied.pid:
                left.kill()


def test_each_further_failure_doubles_the_pause_up_to_a_minute() -> None:
    now = 0.0
    told: list[str] = []
    circuit = Circuit(2, 1.0, told.append, clock=lambda: now)
    circuit.check()
    circuit.failed("It is asleep.")
    circuit.check()
    pauses = [circuit.failed("It is asleep.").retry_after_s for _ in range(9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    with pytest.raises(NoAnswer, match=r"It is asleep\. It is asked again in 60 s\."):
        circuit.check()
    now = 61.0
    circuit.check()
    assert circuit.is_on_trial
    circuit.answered()
    assert not circuit.is_on_trial
    assert told[-1] == ""
