"""Who looks after all hosts of an installation, and tells clients where they are."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

import psutil

from frontdesk.catalog.version import VersionRecord, implicit_version
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.errors import StoreUnavailable
from frontdesk.host.control import ControlServer
from frontdesk.host.keeper import Keeper
from frontdesk.host.live import FOLLOWED, LiveKeepers, ModelName
from frontdesk.host.logs import HostLog
from frontdesk.host.messages import (
    Done,
    Ensure,
    Follow,
    FromSupervisor,
    HostStatus,
    Kill,
    Located,
    LogRead,
    ReadLog,
    Restart,
    Surveyed,
    ToSupervisor,
)
from frontdesk.host.place import HostLimits, HostPlace, VersionSource

__all__ = ["HostLimits", "Supervisor", "VersionSource"]

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0


class Supervisor:
    """Starts hosts when they are asked for, holds them to their limits, ends them when it stops."""

    def __init__(
        self,
        cards: Mapping[str, TaskCard],
        versions: VersionSource,
        *,
        runtime_folder: Path,
        logs_folder: Path,
        models_folder: Path,
        limits: HostLimits,
    ) -> None:
        self._cards, self._logs_folder = cards, logs_folder
        self._place = HostPlace(
            sockets=runtime_folder,
            staging=logs_folder.parent / "staging",
            models=models_folder,
            versions=versions,
            limits=limits,
        )
        self._keepers: dict[ModelName, list[Keeper]] = {}
        self._live = LiveKeepers()
        self._logs: dict[ModelName, HostLog] = {}
        self._control = ControlServer(runtime_folder / "control.sock", self._respond)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def start(self) -> None:
        """Answer clients, and start the models that are to be ready before anybody asks."""
        sockets, staging = self._place.sockets, self._place.staging
        sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in sockets.glob("*.sock"):  # by a supervisor that was killed
            left.unlink()
        staging.mkdir(parents=True, exist_ok=True)
        await self._control.start()
        self._spawn(self._watch())
        for card in self._cards.values():
            for position, model in enumerate(card.models):
                if model.eager or (position == 0 and self._place.limits.eager_default):
                    self._spawn(self._want_live(card, model))

    async def stop(self) -> None:
        """Let all hosts finish what they have in hand, and end them."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(keeper.stop() for keepers in self._keepers.values() for keeper in keepers))
        await self._control.stop()
        for output in self._logs.values():
            output.close()

    def survey(self) -> list[HostStatus]:
        """Every model, running or not."""
        found: list[HostStatus] = []
        for card in self._cards.values():
            for model in card.models:
                keepers = self._keepers.get((card.name, model.name))
                if keepers:  # the one that answers comes last
                    live = self._live.of((card.name, model.name))
                    found += [keeper.status() for keeper in sorted(keepers, key=lambda k: k is live)]
                else:
                    found.append(HostStatus(task=card.name, model=model.name, version=0, state="stopped"))
        return found

    # ------------------------------------------------------------------- what clients ask

    async def _respond(self, question: ToSupervisor) -> FromSupervisor:
        match question:
            case Ensure():
                return await self._locate(question)
            case Kill():
                for keeper in self._keepers.get((question.task, question.model), []):
                    if keeper.number == question.version:
                        keeper.kill(question.generation, question.reason)
                return Done(question.id)
            case Follow():
                if found := self._model(question.task, question.model):
                    await self._follow(*found)
                return Done(question.id)
            case Restart():
                await self._restart(question.task, question.model)
                return Done(question.id)
            case ReadLog():
                text = ""
                if self._model(question.task, question.model):
                    text = self._log((question.task, question.model)).tail(question.limit_bytes)
                return LogRead(question.id, text)
        return Surveyed(question.id, tuple(self.survey()))

    async def _locate(self, question: Ensure) -> Located:
        found = self._model(question.task, question.model)
        if found is None:
            reason = f"There is no model {question.model} of a task {question.task}."
            return Located(question.id, "", 0, 0, "unknown", reason)
        try:
            keeper = await self._keeper(*found, question.version)
        except StoreUnavailable as error:  # who asks hears why, and may ask again
            return Located(question.id, "", 0, 0, "stopped", str(error))
        if keeper is None:
            reason = f"{question.model} has no version {question.version}."
            return Located(question.id, "", 0, 0, "unknown", reason)
        if not question.version:
            keeper = self._live.answering(keeper)
        if not self._stopping:
            keeper.want()
        await keeper.settled()
        return Located(
            question.id, keeper.socket, keeper.number, keeper.generation, keeper.state, keeper.reason,
            found[1].timeout_s,
        )  # fmt: skip

    async def _restart(self, task: str, model: str) -> None:
        found = self._model(task, model)
        if found is None or self._stopping:
            return
        keepers = self._keepers.get((task, model))
        if not keepers:
            await self._want_live(*found)
        for keeper in keepers or []:
            keeper.restart()

    # ------------------------------------------------------------------------- finding

    def _model(self, task: str, model: str) -> tuple[TaskCard, ModelCard] | None:
        card = self._cards.get(task)
        found = card.model(model) if card else None
        return (card, found) if card and found else None

    async def _keeper(self, card: TaskCard, model: ModelCard, number: int) -> Keeper | None:
        """Who keeps that version (0: the live one); None when there is no such version."""
        version = await asyncio.to_thread(self._version, card, model, number)
        if version is None and number:
            return None
        name = (card.name, model.name)
        keepers = self._keepers.setdefault(name, [])
        wanted = version.number if version else 0
        for keeper in keepers:
            # Without a version, whoever is there: it may have trained one since we looked.
            if keeper.number == wanted or version is None:
                return keeper
        # What waited for a first version is of no use once there is one.
        keepers[:] = [keeper for keeper in keepers if keeper.number or keeper.pid]
        keeper = Keeper(card, model, version, self._place, self._log(name))
        keepers.append(keeper)
        return keeper

    def _version(self, card: TaskCard, model: ModelCard, number: int) -> VersionRecord | None:
        versions = self._place.versions
        if not model.trains and number in (0, 1):
            return versions.live(card.name, model.name) or implicit_version(card.name, model.name)
        if number:
            return versions.get(card.name, model.name, number)
        return versions.live(card.name, model.name)

    def _log(self, name: ModelName) -> HostLog:
        if name not in self._logs:
            self._logs[name] = HostLog(self._logs_folder, *name)
        return self._logs[name]

    async def _want_live(self, card: TaskCard, model: ModelCard) -> None:
        keeper = await self._keeper(card, model, 0)
        assert keeper is not None
        self._live.answering(keeper).want()

    async def _follow(self, card: TaskCard, model: ModelCard) -> None:
        """Let the live version answer, if another one does, or none could; a model nobody has loaded stays so."""
        before = self._live.of((card.name, model.name))
        if before is None or before.state not in FOLLOWED or self._stopping:
            return
        try:
            keeper = await self._keeper(card, model, 0)
        except StoreUnavailable:  # it is looked up again a second later
            return
        if keeper is not None and keeper is not before:
            await self._live.change_over(before, keeper)

    # ------------------------------------------------------------------------ looking after

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for keepers in self._keepers.values():
                for keeper in keepers:
                    if keeper.pid:
                        keeper.look(_memory_bytes(keeper.pid))
                keepers[:] = [keeper for keeper in keepers if not self._live.is_done_with(keeper)]
            for card, model in self._live.trainable():
                self._spawn(self._follow(card, model))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("looking after hosts failed", exc_info=error)


def _memory_bytes(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(pid).memory_info().rss)
    return 0
