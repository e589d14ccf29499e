"""How a worker asks models that live on the cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from frontdesk.catalog.version import VersionRecord, implicit_version
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.errors import HostUnreachable, NotFound, NotTrained
from frontdesk.host.client import HostClient
from frontdesk.host.link import HostAnswer
from frontdesk.host.place import VersionSource
from frontdesk.run.cluster.line import ClusterLine
from frontdesk.run.cluster.messages import Answered, Ask, HostOrder, Question, encode
from frontdesk.run.cluster.shared import SharedStorage

_FRESH_S = 1.0

_answered = msgspec.msgpack.Decoder(Answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLimits:
    """What hosts on the cluster are told; see `HostOrder`."""

    models_folder: Path
    logs_folder: Path
    call_timeout_s: float
    queue_limit: int
    memory_mb: int
    pixel_limit: int
    idle_s: float
    shared: SharedStorage | None = None


@dataclass(frozen=True, slots=True)
class _Live:
    version: VersionRecord
    until: float


class ClusterModels:
    """Stands for a `HostClient`: versions are chosen here, and asked there.

    The hosts of this machine, which answer the pages, still have their part: they train what trains at its first
    start, and follow when another version goes live.
    """

    def __init__(
        self,
        line: ClusterLine,
        cards: Mapping[str, TaskCard],
        versions: VersionSource,
        local: HostClient,
        limits: ClusterLimits,
    ) -> None:
        self.line, self._cards, self._versions = line, cards, versions
        self._local, self._limits = local, limits
        self._live: dict[tuple[str, str], _Live] = {}
        self._ordered: dict[str, int] = {}
        line.start()

    async def call(
        self, task: str, model: str, version: int | None, inputs: msgspec.Struct | Mapping[str, Any], *,
        timeout_s: float | None = None, on_cancel: Literal["drop", "kill"] = "drop", rows: int = 0,
    ) -> HostAnswer:  # fmt: skip
        """Ask a model; see `HostClient.call`. A call that nobody waits for any more is always ended."""
        question = encode(Question(cast(dict[str, Any], inputs), rows, timeout_s))
        key = await self._order_host(await self.order(task, model, version))
        answer = _answered.decode(await self.line.order("ask", Ask(key, question)))
        return HostAnswer(answer.version, answer.outputs, answer.seconds)

    async def warm(self, task: str, model: str, version: int) -> None:
        """Have this version loaded somewhere. Raises what asking it would raise."""
        key = await self._order_host(await self.order(task, model, version))
        await self.line.order("warm", Ask(key, b""))

    async def follow(self, task: str, model: str) -> None:
        """Another version was made live."""
        self._live.pop((task, model), None)
        await self._local.follow(task, model)

    async def close(self) -> None:
        """Let go of all of them."""
        await self.line.close()
        await self._local.close()

    async def order(self, task: str, model: str, version: int | None) -> HostOrder:
        """What a node must know to hold this version. Raises NotFound and NotTrained."""
        card = self._cards.get(task)
        found = card.model(model) if card else None
        if card is None or found is None:
            raise NotFound(f"There is no model {model} of a task {task}.")
        record = await self._version(card, found, version or 0)
        limits = self._limits
        return HostOrder(
            card=msgspec.structs.replace(card, models=(found,)),
            version=record.number,
            id=record.id,
            archive=record.origin.archive,
            shared=limits.shared,
            folder=str(record.folder.absolute()),
            metrics=dict(record.metrics),
            parameters=dict(record.parameters),
            models_folder=str(limits.models_folder.absolute()),
            logs_folder=str(limits.logs_folder.absolute()),
            call_timeout_s=limits.call_timeout_s,
            queue_limit=limits.queue_limit,
            memory_mb=limits.memory_mb,
            pixel_limit=limits.pixel_limit,
            idle_s=limits.idle_s,
        )

    async def _order_host(self, order: HostOrder) -> str:
        """Tell the carrier once of each."""
        generation = self.line.generation
        if self._ordered.get(order.key) != generation:
            await self.line.order("host", order)
            self._ordered[order.key] = generation
        return order.key

    async def _version(self, card: TaskCard, model: ModelCard, number: int) -> VersionRecord:
        name = (card.name, model.name)
        if not number and (live := self._live.get(name)) is not None and live.until > time.monotonic():
            return live.version
        record = await self._look_up(card, model, number)
        if record is None and not number and model.trains_at_first_start:
            await self._local.warm(*name, 0)
            record = await self._look_up(card, model, 0)
        if record is None and number:
            raise NotFound(f"{model.name} has no version {number}.")
        if record is None:
            raise NotTrained("No version of this model has been trained yet.")
        if not number:
            self._live[name] = _Live(record, time.monotonic() + _FRESH_S)
        return record

    async def _look_up(self, card: TaskCard, model: ModelCard, number: int) -> VersionRecord | None:
        versions, name = self._versions, (card.name, model.name)
        if number and (model.trains or number != 1):
            return await asyncio.to_thread(versions.get, *name, number)
        live = await asyncio.to_thread(versions.live, *name)
        return live or (None if model.trains else implicit_version(*name))


def on_cluster(models: object) -> ClusterModels:
    """The models a performer of this engine is given."""
    if not isinstance(models, ClusterModels):
        raise HostUnreachable("These jobs are for a Ray cluster.")
    return models
