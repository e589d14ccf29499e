"""In the carrier: what each verb does. Hosts are kept from call to call; streams and trainings have numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import ray

from frontdesk.declare.resources import Resources
from frontdesk.errors import HostUnreachable
from frontdesk.run.cluster.connection import free_now
from frontdesk.run.cluster.messages import (
    Ask,
    CarrierSpec,
    HostOrder,
    Kill,
    Step,
    StreamOrder,
    TrainOrder,
    Watch,
    encode,
)
from frontdesk.run.cluster.pool import HostPool, body_of, options, placed, room_for
from frontdesk.run.cluster.streams import Stream
from frontdesk.run.cluster.train_actor import TrainActor

_LOOK_EVERY_S = 5.0

B = TypeVar("B", bound=msgspec.Struct)


@dataclass(slots=True)
class _Streaming:
    """`taking` is the stream's own thread: it waits for as long as the cluster has no room, and so must nobody else."""

    stream: Stream
    resources: Resources
    taking: ThreadPoolExecutor
    has_begun: bool = False


class Work:
    """Everything this carrier has on the cluster."""

    def __init__(self, spec: CarrierSpec) -> None:
        self._spec = spec
        self._pools: dict[str, HostPool] = {}
        self._streams: dict[int, _Streaming] = {}
        self._trainings: dict[int, Any] = {}
        self._last = 0
        self._verbs: dict[str, tuple[type[Any], Callable[[Any], Awaitable[bytes]]]] = {
            "host": (HostOrder, self._host),
            "warm": (Ask, self._warm),
            "ask": (Ask, self._ask),
            "stream": (StreamOrder, self._stream),
            "next": (Step, self._next),
            "end stream": (Step, self._end_stream),
            "train": (TrainOrder, self._train),
            "watch": (Watch, self._watch),
            "cancel": (Step, self._cancel),
            "kill": (Kill, self._kill),
            "end training": (Step, self._end_training),
        }

    async def do(self, verb: str, body: bytes) -> bytes:
        """Do it. Raises our errors, or Ray's."""
        kind, act = self._verbs[verb]
        return await act(msgspec.msgpack.decode(body, type=kind))

    async def look_after(self) -> None:
        """Let go of what has been idle for long, for ever and ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for pool in self._pools.values():
                if pool.idle_s:
                    pool.drop_idle(pool.idle_s)

    async def _clear(self, needed: Resources) -> None:
        """Have what is idle give way before this is asked for: it would be seconds until that is missed there."""
        self._make_room(needed, await asyncio.to_thread(free_now))

    def _make_room(self, needed: Resources, free: Resources) -> None:
        for pool in self._pools.values():
            pool.give_way(needed, free)

    def _number(self) -> int:
        self._last += 1
        return self._last

    # ------------------------------------------------------------------------- hosts

    async def _host(self, order: HostOrder) -> bytes:
        if order.key not in self._pools:
            self._pools[order.key] = HostPool(
                order, limit=self._spec.actors, wait_s=self._spec.wait_s, make_room=self._make_room
            )
        return b""

    async def _warm(self, ask: Ask) -> bytes:
        await self._pools[ask.key].warm()
        return b""

    async def _ask(self, ask: Ask) -> bytes:
        return await self._pools[ask.key].ask(ask.question)

    # ----------------------------------------------------------------------- streams

    async def _stream(self, order: StreamOrder) -> bytes:
        number = self._number()
        await self._clear(order.host.resources)
        stream = await asyncio.to_thread(Stream, order, self._spec.actors)
        taking = ThreadPoolExecutor(1, thread_name_prefix=f"stream-{number}")
        self._streams[number] = _Streaming(stream, order.host.resources, taking)
        return encode(Step(number))

    async def _next(self, step: Step) -> bytes:
        streaming = self._streams[step.number]
        loop = asyncio.get_running_loop()
        taking = loop.run_in_executor(streaming.taking, streaming.stream.next)
        if not streaming.has_begun:
            await room_for(taking, streaming.resources, self._spec.wait_s, self._make_room)
            streaming.has_begun = True
        return await taking

    async def _end_stream(self, step: Step) -> bytes:
        if (streaming := self._streams.pop(step.number, None)) is not None:
            await asyncio.to_thread(streaming.stream.close)
            streaming.taking.shutdown(wait=False)
        return b""

    # --------------------------------------------------------------------- trainings

    async def _train(self, order: TrainOrder) -> bytes:
        number = self._number()
        await self._clear(order.resources)
        actor: Any = (
            ray.remote(TrainActor)
            .options(**options(order.resources), max_restarts=0, max_concurrency=10)
            .remote(encode(order))
        )
        await placed(actor, order.resources, self._spec.wait_s, self._make_room)
        try:
            body_of(await actor.begin.remote())
        except BaseException:
            ray.kill(actor)
            raise
        self._trainings[number] = actor
        return encode(Step(number))

    async def _watch(self, watch: Watch) -> bytes:
        return bytes(await self._training(watch.number).poll.remote(watch.memory_limit))

    async def _cancel(self, step: Step) -> bytes:
        await self._training(step.number).cancel.remote()
        return b""

    async def _kill(self, kill: Kill) -> bytes:
        await self._training(kill.number).kill.remote(kill.cause)
        return b""

    async def _end_training(self, step: Step) -> bytes:
        if (actor := self._trainings.pop(step.number, None)) is not None:
            ray.kill(actor)
        return b""

    def _training(self, number: int) -> Any:
        if number not in self._trainings:
            raise HostUnreachable("The training is over.")
        return self._trainings[number]
