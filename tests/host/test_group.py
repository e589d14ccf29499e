"""Processes of ours, and what is left of one that nobody wants any more while it starts."""

from __future__ import annotations

import asyncio

import psutil

from frontdesk.host.group import ProcessGroup


def held() -> tuple[int, int]:
    """How many descriptors and children this process has."""
    process = psutil.Process()
    return process.num_fds(), len(process.children())


async def begin_and_leave(turns: int) -> None:
    """Leave after so many turns of the loop."""
    starting = asyncio.create_task(
        ProcessGroup.start("frontdesk.host.process", b"{}", reported=_ignore, printed=_ignore)
    )
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    (came,) = await asyncio.gather(starting, return_exceptions=True)
    if isinstance(came, ProcessGroup):
        came.kill()
        await came.ended()


def _ignore(data: bytes) -> None:
    """Nobody listens."""


def test_whoever_leaves_while_it_starts_leaves_nothing_behind() -> None:
    async def leave_again_and_again() -> None:
        await begin_and_leave(100)  # what the loop keeps for children is open from now on
        before = held()
        for turns in range(12):
            await begin_and_leave(turns)
        async with asyncio.timeout(20):
            while held() != before:  # noqa: ASYNC110  (the system's)
                await asyncio.sleep(0.05)

    asyncio.run(leave_again_and_again())
