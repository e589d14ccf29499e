"""The processes of a server are started again whatever happens."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from frontdesk.cli.children import Child, ChildSpec
from frontdesk.cli.fleet import Fleet
from frontdesk.errors import StoreUnavailable


async def wait_for_process(child: Child, *, other_than: int = 0) -> int:
    async with asyncio.timeout(20):
        while child.process is None or child.process.pid == other_than:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.02)
    return child.process.pid


def test_a_child_is_started_again_even_where_its_jobs_cannot_be_taken_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dead: list[str] = []

    def on_death(name: str) -> None:
        dead.append(name)
        raise OSError("the disk is full")

    async def end_and_look() -> None:
        spec = ChildSpec(role="worker", name="worker-1", settings={"data": str(tmp_path)}, cards="")
        child = Child(spec, on_death=on_death)
        child.start()
        first = await wait_for_process(child)
        assert child.process is not None
        child.process.kill()
        second = await wait_for_process(child, other_than=first)
        assert second != first
        await child.stop(patience_s=0.5)

    with caplog.at_level(logging.CRITICAL + 1, logger="frontdesk.cli.children"):
        asyncio.run(end_and_look())
    assert dead == ["worker-1"]


def test_a_child_that_is_stopped_while_it_is_being_started_ends(tmp_path: Path) -> None:
    async def stop_early() -> None:
        spec = ChildSpec(role="worker", name="worker-1", settings={"data": str(tmp_path)}, cards="")
        child = Child(spec)
        child.start()
        await asyncio.sleep(0)  # it has begun, and there is no process yet
        assert child.process is None
        await child.stop(patience_s=0.5)
        await wait_for_process(child)
        assert child.keeper is not None
        async with asyncio.timeout(10):
            await child.keeper
        assert child.process is not None
        assert child.process.returncode is not None

    asyncio.run(stop_early())


def test_all_are_replaced_although_the_jobs_of_the_old_ones_cannot_be_taken_back(tmp_path: Path) -> None:
    made: list[str] = []

    def away(name: str) -> None:
        raise StoreUnavailable("The server's database is not there now.")

    def make(role: str, number: int) -> Child:
        spec = ChildSpec(
            role=role,
            name=f"{role}-{number}",
            settings={"data": str(tmp_path)},
            cards=str(tmp_path / "cards"),
        )
        spec.note.touch()  # as one that is ready does
        made.append(spec.name)
        return Child(spec, on_death=away)

    async def replace_and_stop() -> None:
        fleet = Fleet(make, webs=1, workers=1)
        fleet.start()
        for _ in range(2):
            fleet.roll()
            assert fleet._rolling is not None
            await fleet._rolling
        await fleet.stop()

    asyncio.run(replace_and_stop())
    assert made == ["web-1", "worker-1", "web-2", "worker-2", "web-3", "worker-3"]
