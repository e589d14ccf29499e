"""Real hosts that die, hang or never come up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time

import psutil
import pytest

from frontdesk.errors import CallTimeout, HostCrashed, ModelBroken, NotTrained
from support.hosts import House, housed


@housed("trouble.py")
async def test_a_segfault_among_200_calls_fails_only_the_call_that_made_it(house: House) -> None:
    calls = [house.text("trouble", do="segfault" if n == 100 else "nothing", x=float(n)) for n in range(200)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    crashed = results.pop(100)
    assert isinstance(crashed, HostCrashed)
    assert [str(result).split(" by ")[0] for result in results] == [
        f"nothing {n}" for n in range(200) if n != 100
    ]
    log = await house.client.log("trouble", "obedient")
    assert "SIGSEGV" in log
    assert "Fatal Python error: Segmentation fault" in log


@housed("batches.py")
async def test_a_segfault_in_a_batch_spares_its_mates(house: House) -> None:
    busy = asyncio.create_task(house.ask("together", pause_s=0.1))
    await asyncio.sleep(0.3)
    calls = [house.text("together", x=-2.0 if n == 3 else 1.0) for n in range(8)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    await busy
    assert isinstance(results.pop(3), HostCrashed)
    assert results == ["1.0"] * 7


@housed("trouble.py")
async def test_several_that_crash_do_not_take_the_innocent_along(house: House) -> None:
    calls = [house.text("trouble", do="segfault" if n % 20 == 7 else "nothing") for n in range(60)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, BaseException)] == [7, 27, 47]


@housed("trouble.py")
async def test_a_host_killed_from_outside_costs_its_callers_only_time(house: House) -> None:
    await house.ask("trouble")
    call = asyncio.create_task(house.text("trouble", do="sleep", x=0.3))
    await asyncio.sleep(0.1)
    psutil.Process(house.status("trouble").pid).kill()
    assert (await call).startswith("sleep 0.3 by")
    assert house.status("trouble").restarts == 1


@pytest.mark.parametrize("how", ["sleep", "hold"])
def test_a_hung_call_ends_at_its_deadline_and_the_model_is_back(how: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    async def story() -> None:
        async with House(tmp_path, "trouble.py") as house:
            await house.ask("trouble")
            hung = psutil.Process(house.status("trouble").pid)
            began = time.monotonic()
            call = asyncio.create_task(house.ask("trouble", do=how, x=600.0, timeout_s=1.0))
            await asyncio.sleep(0.1)
            mates = [asyncio.create_task(house.text("trouble", x=float(n))) for n in range(5)]
            with pytest.raises(CallTimeout, match="within 1 s"):
                await call
            assert time.monotonic() - began < 1.3
            answers = await asyncio.gather(*mates)
            assert [answer.split(" by ")[0] for answer in answers] == [f"nothing {n}" for n in range(5)]
            assert time.monotonic() - began < 4
            assert not hung.is_running()
            assert "A call took longer than 1 s." in await house.client.log("trouble", "obedient")

    asyncio.run(story())


@housed("trouble.py", first_pause_s=0.02)
async def test_a_model_that_crashes_again_and_again_is_broken_until_it_is_restarted(house: House) -> None:
    # Each call may crash it twice, unless it was sent to a process that was dying already.
    for _ in range(5):
        with pytest.raises((HostCrashed, ModelBroken)):
            await house.ask("trouble", do="segfault")
    with pytest.raises(ModelBroken, match=r"It crashed 5 times in a row\. Its process was ended by SIGSEGV"):
        await house.ask("trouble")
    assert house.status("trouble").state == "broken"
    await house.client.restart("trouble", "obedient")
    assert await house.ask("trouble")


@housed("trouble.py", first_pause_s=0.02)
async def test_crashes_between_answered_calls_never_break_a_model(house: House) -> None:
    for _ in range(6):
        await house.ask("trouble")
        with pytest.raises(HostCrashed):
            await house.ask("trouble", do="exit", x=0.0)
    assert await house.ask("trouble")


@housed("loads.py", first_pause_s=0.02)
async def test_a_model_that_cannot_be_loaded_is_broken_and_says_why(house: House) -> None:
    with pytest.raises(ModelBroken, match=r"3 times in a row\. ValueError: the weights are damaged"):
        await house.ask("raises")
    with pytest.raises(ModelBroken, match=r"3 times in a row\. Its process ended itself with code 9\."):
        await house.ask("exits")
    assert "ValueError: the weights are damaged" in await house.client.log(
        "raises", house.cards["raises"].models[0].name
    )


@housed("loads.py", first_pause_s=0.02)
async def test_a_load_that_fails_now_and_then_is_tried_again(house: House) -> None:
    assert await house.text("flaky", x=4.0) == "4.0"
    assert house.status("flaky").restarts == 2


@housed("loads.py")
async def test_a_model_with_nothing_to_load_is_untrained_until_there_is(house: House) -> None:
    with pytest.raises(NotTrained, match="put them there"):
        await house.ask("missing")
    assert house.status("missing").state == "untrained"
    house.models_folder.mkdir()
    (house.models_folder / "weights.txt").touch()

    async def answered() -> bool:
        try:
            return bool(await house.ask("missing"))
        except NotTrained:
            return False

    async with asyncio.timeout(5):
        while not await answered():  # noqa: ASYNC110  another process decides it
            await asyncio.sleep(0.1)


@housed("loads.py")
async def test_a_model_that_nobody_trained_is_untrained(house: House) -> None:
    with pytest.raises(NotTrained, match="No version"):
        await house.ask("untrained")


@housed("loads.py")
async def test_a_model_can_train_itself_at_its_first_start(house: House) -> None:
    answers = await asyncio.gather(*(house.text("trainable", x=2.0) for _ in range(5)))
    assert answers == ["6.0"] * 5
    assert house.status("trainable").version == 1
    assert (await house.answer("trainable", version=1)).version == 1
    assert [status.task for status in house.supervisor.survey()].count("trainable") == 1


@housed("trouble.py", memory_mb=200)
async def test_a_host_that_uses_too_much_memory_is_ended(house: House) -> None:
    with contextlib.suppress(HostCrashed):  # on a slow machine the watch looks before the answer is out
        await house.ask("trouble", do="grow", x=300.0)
    await house.until(lambda: house.status("trouble").restarts >= 1)
    assert (await house.text("trouble")).startswith("nothing")
    assert "more than the 200 MB allowed" in await house.client.log("trouble", "obedient")


@housed("trouble.py")
async def test_what_a_model_starts_dies_with_it(house: House) -> None:
    child = psutil.Process(int(await house.text("trouble", do="breed")))
    psutil.Process(house.status("trouble").pid).send_signal(signal.SIGKILL)
    await house.until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
