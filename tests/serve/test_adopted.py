"""Calls that became jobs while the model worked on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frontdesk.errors import StoreUnavailable
from frontdesk.host.link import HostAnswer
from frontdesk.serve.adopted import AdoptedCalls
from frontdesk.serve.live import Hub
from support.desk_jobs import new_job
from support.desks import open_office


def failing_once(verb: Callable[..., Any], failed: list[str]) -> Callable[..., Any]:
    """The same, but the first time the database restarts."""

    def call(*given: Any) -> Any:
        if verb.__name__ not in failed:
            failed.append(verb.__name__)
            raise StoreUnavailable("The server's database is not there now.")
        return verb(*given)

    return call


def test_an_answer_is_written_once_the_database_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []

    async def answer() -> HostAnswer:
        while "beat" not in failed:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.01)
        return HostAnswer(1, b'{"answer":1}', 0.1)

    async def ask() -> None:
        with open_office(tmp_path / "office") as office:
            hub = Hub(office.engine)
            hub.start()
            lease = office.desk.adopt(new_job("alice"), "web-1", 15)
            for name in ("beat", "finish"):
                monkeypatch.setattr(office.desk, name, failing_once(getattr(office.desk, name), failed))
            adopted = AdoptedCalls(office.desk, hub, lease_s=0.3)
            adopted.keep(lease, asyncio.create_task(answer()))
            async with asyncio.timeout(20):
                while not office.desk.get(lease.job.id, None).state.is_final:  # noqa: ASYNC110  (the same)
                    await asyncio.sleep(0.05)
            assert office.states(lease.job.id) == ["queued", "running", "succeeded"]
            await adopted.stop()
            hub.stop()

    asyncio.run(ask())
    assert failed == ["beat", "finish"]
