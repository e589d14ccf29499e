"""In the carrier: the copies of one version that are on the cluster, as many as are kept busy."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import ray
from ray.exceptions import RayActorError, RayError

from frontdesk.declare.resources import Resources
from frontdesk.errors import CallTimeout, FrontdeskError, HostCrashed
from frontdesk.run.cluster.actors import HostActor
from frontdesk.run.cluster.connection import free_now, nodes_now
from frontdesk.run.cluster.exchange import Asker
from frontdesk.run.cluster.messages import Done, HostOrder, Refusal, encode, error_of

_LOSSES = 3
_CALLS_AT_ONCE = 10
_IDLE_S = 0.5
_LOOK_EVERY_S = 1.0
_STARTING_S, _IN_BITS_S = 3.0, 20.0

MakeRoom = Callable[[Resources, Resources], None]
"""Has what is idle give way, where it holds what is needed (the first) and not free (the second)."""

_told: msgspec.msgpack.Decoder[Done | Refusal] = msgspec.msgpack.Decoder(Done | Refusal)


def body_of(reply: bytes) -> bytes:
    """What an actor told. Raises what it refused with."""
    message = _told.decode(reply)
    if isinstance(message, Refusal):
        raise error_of(message)
    return message.body


def options(resources: Resources) -> dict[str, Any]:
    """The resources in Ray's words."""
    asked: dict[str, Any] = {"num_cpus": resources.cpus, "num_gpus": resources.gpus}
    if resources.memory_mb:
        asked["memory"] = resources.memory_mb << 20
    return asked


async def placed(actor: Any, resources: Resources, wait_s: float, make_room: MakeRoom) -> None:
    """Wait until the actor has its place. What is idle elsewhere gives way.

    Raises CallTimeout where for `wait_s` the cluster has had no node that is large enough, be it ever so idle.
    """
    there = asyncio.ensure_future(_of(actor.there.remote()))
    try:
        await room_for(there, resources, wait_s, make_room)
        there.result()
    except BaseException:
        there.cancel()
        ray.kill(actor)
        raise


async def room_for(
    waiting: asyncio.Future[Any], resources: Resources, wait_s: float, make_room: MakeRoom
) -> None:
    """Wait for something that needs these resources, and have the cluster make room for it."""
    began = time.monotonic()
    give_up_at = began + wait_s
    while not waiting.done():
        await asyncio.wait([waiting], timeout=_LOOK_EVERY_S)
        if waiting.done():
            return
        nodes, free = await asyncio.to_thread(lambda: (nodes_now(), free_now()))
        waited_s = time.monotonic() - began
        if waited_s > _STARTING_S:
            make_room(resources, free)
        if waited_s > _IN_BITS_S:  # enough is free, but in bits on several nodes
            make_room(resources, Resources(0.0))
        if fits(nodes, resources):
            give_up_at = time.monotonic() + wait_s
        elif time.monotonic() > give_up_at:
            raise CallTimeout(_no_room(nodes, resources))


def fits(nodes: list[Resources], needed: Resources) -> int:
    """How many such copies the cluster would hold, were it idle."""
    return sum(
        int(
            min(
                (has / needs for has, needs in zip(_figures(node), _figures(needed), strict=True) if needs),
                default=1,
            )
        )
        for node in nodes
    )


def _figures(resources: Resources) -> tuple[float, float, float]:
    return resources.cpus, resources.gpus, resources.memory_mb


def _no_room(nodes: list[Resources], needed: Resources) -> str:
    largest = max(nodes, key=lambda node: (node.gpus, node.cpus, node.memory_mb), default=Resources(0.0))
    return (
        f"It needs {needed.told}, and the Ray cluster has no such node: "
        f"the largest of its {len(nodes)} has {largest.told}."
    )


async def _exchanged(actor: Any, asked: bytes) -> bytes:
    return bytes(await actor.exchange.remote(asked))


async def _of(reference: Awaitable[Any]) -> Any:
    return await reference


@dataclass(slots=True, eq=False)
class _Copy:
    actor: Any
    asker: Asker
    ready: asyncio.Task[None]
    in_hand: int = 0
    idle_since: float = field(default_factory=time.monotonic)


class HostPool:
    """Actors that hold one version. Another one is started while all have more in hand than they answer at once."""

    def __init__(self, order: HostOrder, *, limit: int, wait_s: float, make_room: MakeRoom) -> None:
        self._order, self._limit, self._wait_s = order, limit, wait_s
        self._make_room = make_room
        self._copies: list[_Copy] = []
        self._busy_at = max(order.card.models[0].max_batch, 2)

    async def ask(self, question: bytes) -> bytes:
        """Have one of them answer. A node that is lost costs only time; but not for ever."""
        for _ in range(_LOSSES):
            copy = await self._choose()
            copy.in_hand += 1
            try:
                return await copy.asker.ask(question)
            except RayActorError:
                self._drop(copy)
            finally:
                copy.in_hand -= 1
                copy.idle_since = time.monotonic()
        raise HostCrashed(f"The cluster lost what worked on this {_LOSSES} times.")

    async def warm(self) -> None:
        """Wait until one is ready."""
        await self._choose()

    def give_way(self, needed: Resources, free: Resources) -> None:
        """Let go of what is idle, if that frees something that is needed and not free."""
        lacking = [needs > has for needs, has in zip(_figures(needed), _figures(free), strict=True)]
        held = _figures(self._order.resources)
        if any(is_lacking and holds for is_lacking, holds in zip(lacking, held, strict=True)):
            self.drop_idle(_IDLE_S)

    def drop_idle(self, idle_s: float) -> None:
        """Let go of those that have done nothing for so long."""
        now = time.monotonic()
        for copy in [*self._copies]:
            if copy.ready.done() and not copy.in_hand and now - copy.idle_since > idle_s:
                self._drop(copy)

    @property
    def idle_s(self) -> float:
        """After how many seconds one that does nothing is let go; 0: never."""
        return self._order.idle_s

    async def _choose(self) -> _Copy:
        """The one with the least in hand, once it is ready."""
        ready = [copy for copy in self._copies if copy.ready.done()]
        chosen = min(ready, key=lambda copy: copy.in_hand, default=None)
        is_crowded = chosen is None or chosen.in_hand >= self._busy_at
        if is_crowded and len(self._copies) < self._limit and len(ready) == len(self._copies):
            self._start()
        if chosen is None:
            chosen = self._copies[0]
            try:
                await asyncio.shield(chosen.ready)
            except (RayError, FrontdeskError):
                self._drop(chosen)
                raise
        return chosen

    def _start(self) -> None:
        actor = (
            ray.remote(HostActor)
            .options(
                **options(self._order.resources), max_restarts=0, max_concurrency=_CALLS_AT_ONCE,
                scheduling_strategy="SPREAD",
            )
            .remote(encode(self._order))
        )  # fmt: skip
        ready = asyncio.create_task(self._ready(actor))
        copy = _Copy(actor, Asker(functools.partial(_exchanged, actor)), ready)
        self._copies.append(copy)
        ready.add_done_callback(
            lambda _: self._drop(copy) if ready.cancelled() or ready.exception() else None
        )

    async def _ready(self, actor: Any) -> None:
        await placed(actor, self._order.resources, self._wait_s, self._make_room)
        body_of(await actor.warm.remote())

    def _drop(self, copy: _Copy) -> None:
        if copy in self._copies:
            self._copies.remove(copy)
        copy.ready.cancel()
        with contextlib.suppress(RayError):
            ray.kill(copy.actor)
