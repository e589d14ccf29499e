"""Real hosts from their start to their end, and who else has a say in it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from frontdesk.errors import CallTimeout
from frontdesk.host.runtime import runtime_folder
from support.hosts import House, housed

SCRIPTS = Path(__file__).parent / "scripts"


@housed("trouble.py")
async def test_it_starts_a_host_only_when_it_is_asked(house: House) -> None:
    assert house.status("trouble").state == "stopped"
    began = time.monotonic()
    await house.ask("trouble")
    assert time.monotonic() - began < 2
    status = house.status("trouble")
    assert (status.state, status.version, status.restarts) == ("ready", 1, 0)
    assert status.pid


@housed("batches.py", eager_default=True)
async def test_default_models_are_ready_before_anybody_asks(house: House) -> None:
    await house.until(lambda: house.status("together").state == "ready")


@housed("loads.py")
async def test_calls_that_come_while_it_loads_wait_for_it(house: House) -> None:
    assert await asyncio.gather(*(house.text("slow", x=float(n)) for n in range(3))) == ["0.0", "1.0", "2.0"]
    assert house.status("slow").restarts == 0


@housed("loads.py", call_timeout_s=0.5)
async def test_a_model_stuck_in_loading_can_be_restarted(house: House) -> None:
    house.models_folder.mkdir()
    stuck = house.models_folder / "stuck"
    stuck.touch()
    with pytest.raises(CallTimeout, match="still starting"):
        await house.ask("stuck")
    assert house.status("stuck").state == "starting"
    stuck.unlink()
    await house.client.restart("stuck", house.cards["stuck"].models[0].name)
    assert await house.text("stuck", x=3.0) == "3.0"


@housed("trouble.py", idle_s=0.5)
async def test_an_idle_model_is_unloaded_and_comes_back_when_it_is_asked(house: House) -> None:
    await house.ask("trouble", do="sleep", x=1.6)  # not idle, however long it takes
    first = house.status("trouble").pid
    await house.until(lambda: house.status("trouble").state == "stopped" and not psutil.pid_exists(first))
    assert await house.ask("trouble")
    assert house.status("trouble").pid != first


@housed("trouble.py")
async def test_it_counts_calls_and_memory(house: House) -> None:
    for _ in range(7):
        await house.ask("trouble")
    await house.until(
        lambda: house.status("trouble").calls == 7 and house.status("trouble").memory_bytes > 10**6
    )
    assert [status.calls for status in await house.client.survey()] == [7]


def test_what_is_in_flight_is_answered_before_it_stops(tmp_path: Path) -> None:
    async def story() -> None:
        async with House(tmp_path, "trouble.py") as house:
            await house.ask("trouble")
            pid = house.status("trouble").pid
            calls = [asyncio.create_task(house.text("trouble", do="sleep", x=0.1)) for _ in range(5)]
            await asyncio.sleep(0.05)
            await house.supervisor.stop()
            assert await asyncio.gather(*calls) == [f"sleep 0.1 by {pid}"] * 5
            assert not psutil.pid_exists(pid)

    asyncio.run(story())


@housed("trouble.py")
async def test_a_restart_under_load_loses_no_call(house: House) -> None:
    await house.ask("trouble")
    first = house.status("trouble").pid
    pids: set[str] = set()

    async def keep_asking(until: float) -> None:
        while time.monotonic() < until:
            pids.add((await house.text("trouble")).split(" by ")[1])

    until = time.monotonic() + 1.5
    askers = [asyncio.create_task(keep_asking(until)) for _ in range(8)]
    await asyncio.sleep(0.3)
    await house.client.restart("trouble", "obedient")
    await asyncio.gather(*askers)
    assert len(pids) == 2
    assert str(first) in pids
    assert "SIG" not in await house.client.log("trouble", "obedient")


def test_a_host_that_does_not_drain_in_time_is_killed(tmp_path: Path) -> None:
    async def story() -> None:
        async with House(tmp_path, "trouble.py", drain_s=0.3) as house:
            await house.ask("trouble")
            hung = asyncio.create_task(house.ask("trouble", do="hold", x=60.0))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await house.supervisor.stop()
            assert time.monotonic() - began < 1.5
            hung.cancel()

    asyncio.run(story())


@housed("trouble.py")
async def test_a_flood_of_output_neither_blocks_the_model_nor_fills_the_disk(house: House) -> None:
    began = time.monotonic()
    assert (await house.text("trouble", do="print", x=10.0)).startswith("print")
    assert time.monotonic() - began < 5
    logs = list((house.folder / "logs").iterdir())
    assert len(logs) == 2
    assert sum(log.stat().st_size for log in logs) <= 2 * 2**20
    await house.ask("trouble", do="raise the curtain")
    assert (await house.client.log("trouble", "obedient")).rstrip().endswith("a lot of text")


@housed("trouble.py")
async def test_one_host_serves_all_processes(house: House) -> None:
    mine = await house.text("trouble")
    other = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPTS / "ask.py"),
        str(house.runtime / "hosts" / "control.sock"),
        stdout=subprocess.PIPE,
    )
    said, _ = await other.communicate()
    assert said.decode().strip() == mine
    assert [status.pid for status in await house.client.survey()] == [int(mine.split(" by ")[1])]


@housed("trouble.py")
async def test_a_client_that_is_killed_takes_its_waiting_calls_along(house: House) -> None:
    await house.ask("trouble")
    running = asyncio.create_task(house.text("trouble", do="sleep", x=0.8))
    await asyncio.sleep(0.05)
    other = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPTS / "ask.py"), str(house.runtime / "hosts" / "control.sock"), "exit"
    )
    await asyncio.sleep(0.4)
    other.kill()
    await other.wait()
    await running
    assert await house.ask("trouble")
    assert house.status("trouble").restarts == 0


@pytest.mark.parametrize("doing", ["nothing", "hold"])
def test_hosts_end_when_their_supervisor_is_killed(doing: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(SCRIPTS / "supervise.py"), str(tmp_path), doing],
        stdout=subprocess.PIPE,
        text=True,
    ) as supervisor:
        assert supervisor.stdout
        host = psutil.Process(int(supervisor.stdout.readline()))
        assert host.is_running()
        supervisor.kill()
    host.wait(timeout=3)
    shutil.rmtree(runtime_folder(tmp_path))  # nobody was left to do it


@housed("trouble.py")
async def test_clients_find_a_supervisor_that_was_started_again(house: House) -> None:
    await house.ask("trouble")
    await house.supervisor.stop()
    asking = asyncio.create_task(house.text("trouble"))
    await asyncio.sleep(0.2)
    async with House(house.folder, "trouble.py"):
        assert (await asking).startswith("nothing")
