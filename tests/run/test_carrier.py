"""The process that speaks Ray for a worker: whoever waits for it hears, and one that waits holds up no other."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec
import pytest

pytest.importorskip("ray")

from frontdesk.declare.resources import Resources
from frontdesk.declare.signature import ModelCard, Signature, TaskCard
from frontdesk.host import framing
from frontdesk.host.framing import FrameReader, append_frame
from frontdesk.run.cluster import work as work_module
from frontdesk.run.cluster.carrier import _Orders
from frontdesk.run.cluster.messages import (
    CarrierSpec,
    HostOrder,
    Order,
    Refusal,
    Step,
    StreamOrder,
    encode,
)
from frontdesk.run.cluster.work import Work

SPEC = CarrierSpec(address="nowhere:1", socket="", actors=1, wait_s=60, silence_s=60)
MANY = 40  # more than there are threads for all


class Wire:
    """The worker's end."""

    def __init__(self) -> None:
        self.sent = asyncio.Queue[bytes]()

    def write(self, frame: bytes) -> None:
        self.sent.put_nowait(bytes(frame))


def test_an_answer_that_is_too_large_is_refused_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(framing, "FRAME_LIMIT_BYTES", 1000)

    async def answer(verb: str, body: bytes) -> bytes:
        return bytes(2000)

    async def order() -> Refusal:
        orders, wire, frame = _Orders(answer), Wire(), bytearray()
        orders.connection_made(wire)  # type: ignore[arg-type]
        append_frame(frame, Order(7, "next", b""))
        orders.data_received(bytes(frame))
        async with asyncio.timeout(20):
            (reply,) = FrameReader().feed(await wire.sent.get())
        return msgspec.msgpack.decode(reply, type=Refusal)

    refusal = asyncio.run(order())
    assert (refusal.id, refusal.kind) == (7, "PredictFailed")
    assert "too large" in refusal.reason


class WaitingStream:
    """For the first of them the cluster has no room before the end of the test."""

    room = threading.Event()
    begun = 0

    def __init__(self, order: StreamOrder, most_actors: int) -> None:
        type(self).begun += 1
        self._waits = self.begun <= MANY

    def next(self) -> bytes:
        return b"" if self._waits and self.room.wait() else b"a piece"

    def close(self) -> None:
        """Whoever waits goes on waiting."""


def test_files_that_were_cancelled_while_there_was_no_room_hold_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_time(*_: Any) -> None:
        await asyncio.sleep(0)

    for name in ("room_for", "Work._clear"):
        monkeypatch.setattr(f"{work_module.__name__}.{name}", no_time)
    monkeypatch.setattr(work_module, "Stream", WaitingStream)
    order = encode(StreamOrder(host=HOST, sheet="", answered=0, total=0, places={}))

    async def take() -> bytes:
        work = Work(SPEC)
        for _ in range(MANY):
            step = await work.do("stream", order)
            following = asyncio.create_task(work.do("next", step))
            await asyncio.sleep(0.01)
            following.cancel()
            await work.do("end stream", step)
        step = await work.do("stream", order)
        assert msgspec.msgpack.decode(step, type=Step).number == MANY + 1
        return await work.do("next", step)

    async def run() -> bytes:
        try:
            async with asyncio.timeout(30):
                return await take()
        finally:
            WaitingStream.room.set()

    assert asyncio.run(run()) == b"a piece"


HOST = HostOrder(
    card=TaskCard(
        name="t", title="T", source="", signature=Signature(inputs=(), outputs=()),
        models=(ModelCard(name="m", title="M", resources=Resources(1.0)),),
    ),
    version=1, folder="", models_folder="", logs_folder="", call_timeout_s=1, queue_limit=1, memory_mb=0,
    pixel_limit=1, idle_s=0,
)  # fmt: skip
