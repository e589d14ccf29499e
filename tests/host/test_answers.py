"""Real hosts: what a call comes back with."""

from __future__ import annotations

import asyncio
import os
import re
import time

import msgspec
import pytest

from frontdesk.errors import (
    CallTimeout,
    HostUnreachable,
    InvalidInput,
    NotFound,
    Overloaded,
    PredictFailed,
    StoreUnavailable,
)
from frontdesk.host.client import HostClient
from support.hosts import House, housed


class Doing(msgspec.Struct):
    do: str = "nothing"
    x: float = 1.0


@housed("trouble.py")
async def test_it_answers_from_a_process_of_its_own(house: House) -> None:
    answer = await house.answer("trouble", do="nothing", x=7.0)
    pid = house.status("trouble").pid
    assert msgspec.json.decode(answer.outputs) == {"answer": f"nothing 7 by {pid}"}
    assert pid != os.getpid()
    assert answer.version == 1
    assert 0 <= answer.seconds < 1


@housed("trouble.py")
async def test_it_takes_the_structs_that_the_web_decodes(house: House) -> None:
    answer = await house.client.call("trouble", "obedient", None, Doing(x=3.0))
    assert b"nothing 3 by" in answer.outputs


@housed("trouble.py")
async def test_it_fills_in_defaults(house: House) -> None:
    assert (await house.text("trouble")).startswith("nothing 1 by")


@housed("trouble.py")
async def test_what_cannot_be_spelt_fails_no_more_than_its_call(house: House) -> None:
    with pytest.raises(PredictFailed, match=re.escape("RuntimeError: ?.csv is no table")):
        await house.ask("trouble", do="raise_broken_text")
    with pytest.raises(InvalidInput, match=re.escape("/inputs/do?: ?.csv is no table")):
        await house.ask("trouble", do="refuse_broken_text")
    assert house.status("trouble").restarts == 0


@housed("trouble.py")
async def test_an_exception_fails_that_call_alone_and_its_traceback_is_in_the_log(house: House) -> None:
    with pytest.raises(PredictFailed, match="RuntimeError: this model's own code failed"):
        await house.ask("trouble", do="raise")
    assert await house.ask("trouble")
    assert house.status("trouble").restarts == 0
    assert 'raise RuntimeError("this model\'s own code failed")' in await house.client.log(
        "trouble", "obedient"
    )


@housed("trouble.py")
async def test_sys_exit_is_no_way_to_end_a_host(house: House) -> None:
    with pytest.raises(PredictFailed, match="SystemExit"):
        await house.ask("trouble", do="leave")
    assert await house.ask("trouble")
    assert house.status("trouble").restarts == 0


@housed("trouble.py")
async def test_a_model_can_refuse_an_input(house: House) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await house.ask("trouble", do="refuse")
    assert refusal.value.faults[0].pointer == "/inputs/do"
    assert refusal.value.faults[0].detail == "This model refuses that."


@housed("trouble.py")
async def test_a_model_cannot_read_what_the_supervisor_says(house: House) -> None:
    assert await house.text("trouble", do="ask") == "stdin gave ''"


@housed("trouble.py")
async def test_what_is_not_declared_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await house.client.call("nothing", "obedient", None, {})
    with pytest.raises(NotFound):
        await house.client.call("trouble", "disobedient", None, {})
    with pytest.raises(NotFound):
        await house.answer("trouble", version=2)


@housed("trouble.py")
async def test_large_inputs_and_outputs_pass(house: House) -> None:
    large = "€" * 5_000_000
    assert (await house.text("trouble", do=large)).startswith(large)


@housed("batches.py")
async def test_what_waits_while_the_model_is_busy_leaves_as_one_batch(house: House) -> None:
    await house.ask("together")
    first = asyncio.create_task(house.text("together", pause_s=0.2))
    await asyncio.sleep(0.05)
    others = await asyncio.gather(*(house.text("together") for _ in range(20)))
    assert await first == "1.0"
    # max_batch is 8, so 20 are answered as 8, 8 and 4.
    assert sorted(others) == ["4.0"] * 4 + ["8.0"] * 16


@housed("batches.py")
async def test_one_bad_input_in_a_batch_fails_only_itself(house: House) -> None:
    busy = asyncio.create_task(house.ask("together", pause_s=0.2))
    await asyncio.sleep(0.05)
    results = await asyncio.gather(
        *(house.text("together", x=x) for x in (1.0, -1.0, 2.0)), return_exceptions=True
    )
    await busy
    assert results[0] == results[2] == "1.0"
    assert isinstance(results[1], PredictFailed)


@housed("trouble.py", queue_limit=3)
async def test_it_refuses_more_calls_than_may_wait(house: House) -> None:
    waiting = [asyncio.create_task(house.ask("trouble", do="sleep", x=0.1)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refusal:
        await house.ask("trouble")
    assert refusal.value.retry_after_s > 0
    await asyncio.gather(*waiting)
    assert await house.ask("trouble")


@housed("trouble.py")
async def test_a_call_that_only_waited_too_long_costs_nobody_their_host(house: House) -> None:
    await house.ask("trouble")
    pid = house.status("trouble").pid
    long = asyncio.create_task(house.text("trouble", do="sleep", x=1.5, timeout_s=10.0))
    await asyncio.sleep(0.05)
    with pytest.raises(CallTimeout):
        await house.ask("trouble", timeout_s=0.2)
    assert await long == f"sleep 1.5 by {pid}"


@housed("trouble.py")
async def test_a_cancelled_call_in_line_is_dropped(house: House) -> None:
    running = asyncio.create_task(house.ask("trouble", do="sleep", x=0.5))
    await asyncio.sleep(0.3)
    waiting = asyncio.create_task(house.ask("trouble", do="exit"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await running
    await house.ask("trouble")
    assert house.status("trouble").restarts == 0


@housed("trouble.py")
async def test_a_cancelled_call_that_runs_goes_on_unless_it_is_to_be_killed(house: House) -> None:
    await house.ask("trouble")
    pid = house.status("trouble").pid
    for on_cancel, same in (("drop", True), ("kill", False)):
        running = asyncio.create_task(house.ask("trouble", do="sleep", x=1.0, on_cancel=on_cancel))
        await asyncio.sleep(0.1)
        running.cancel()
        began = time.monotonic()
        assert (await house.text("trouble") == f"nothing 1 by {pid}") is same
    assert time.monotonic() - began < 0.9


@housed("trouble.py")
async def test_killing_for_a_call_in_line_only_drops_it(house: House) -> None:
    await house.ask("trouble")
    pid = house.status("trouble").pid
    running = asyncio.create_task(house.text("trouble", do="sleep", x=0.8))
    waiting = asyncio.create_task(house.ask("trouble", do="exit", on_cancel="kill"))
    await asyncio.sleep(0.1)
    waiting.cancel()
    assert await running == f"sleep 0.8 by {pid}"


@housed("trouble.py")
async def test_nobody_to_ask_is_said_plainly(house: House) -> None:
    client = HostClient(house.runtime / "nobody.sock", call_timeout_s=1, queue_limit=1)
    with pytest.raises(HostUnreachable, match="cannot be reached"):
        await client.survey()
    await client.close()


@housed("trouble.py")
async def test_closing_a_client_ends_its_calls(house: House) -> None:
    client = house.new_client()
    call = asyncio.create_task(client.call("trouble", "obedient", None, {"do": "sleep", "x": 0.5}))
    await asyncio.sleep(0.3)
    await client.close()
    with pytest.raises(HostUnreachable):
        await call


@housed("trouble.py")
async def test_versions_that_there_are_not_are_not_remembered(house: House) -> None:
    assert await house.ask("trouble")
    for version in range(2, 40):
        with pytest.raises(NotFound, match=f"has no version {version}"):
            await house.client.call("trouble", "obedient", version, {"do": "nothing"})
    assert len(house.client._routes) == 1


@housed("trouble.py")
async def test_whoever_asks_while_the_database_is_away_hears_of_it_at_once(house: House) -> None:
    versions = house.supervisor._place.versions

    def away(*_: object) -> None:
        raise StoreUnavailable("The server's database is not there now.")

    versions.live, there = away, versions.live  # type: ignore[method-assign, assignment]
    async with asyncio.timeout(10):
        with pytest.raises(HostUnreachable, match="database is not there"):
            await house.ask("trouble")
    versions.live = there  # type: ignore[method-assign]
    assert await house.ask("trouble")
