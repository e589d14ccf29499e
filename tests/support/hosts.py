"""A real supervisor with real hosts, and a client that asks them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec

from frontdesk.catalog.loading import load_models
from frontdesk.catalog.version import VersionRecord
from frontdesk.declare.reading import read_task_cards
from frontdesk.host.client import HostAnswer, HostClient
from frontdesk.host.messages import HostStatus
from frontdesk.host.runtime import runtime_folder
from frontdesk.host.supervisor import HostLimits, Supervisor

MODELS = Path(__file__).parent.parent / "host" / "models"


class FolderVersions:
    """Versions kept in memory and a folder: the twin of the catalog's for tests of hosts alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: list[VersionRecord] = []

    def live(self, task: str, model: str) -> VersionRecord | None:
        mine = [version for version in self._known if (version.task, version.model) == (task, model)]
        return mine[-1] if mine else None

    def get(self, task: str, model: str, number: int) -> VersionRecord | None:
        return next((v for v in self._known if (v.task, v.model, v.number) == (task, model, number)), None)

    def add(
        self,
        task: str,
        model: str,
        staged: Path,
        metrics: Mapping[str, Any],
        parameters: Mapping[str, Any],
        *,
        live: bool,
        profile: bytes = b"",
    ) -> VersionRecord:
        number = len(self._known) + 1
        folder = self._folder / str(number)
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged.rename(folder)
        version = VersionRecord(
            task=task,
            model=model,
            number=number,
            folder=folder,
            metrics=dict(metrics),
            parameters=dict(parameters),
            created_at=datetime.now(UTC),
            is_live=True,
        )
        self._known.append(version)
        return version

    def hold(self, version: VersionRecord) -> AbstractContextManager[Path]:
        return contextlib.nullcontext(version.folder)


class House:
    """`async with House(tmp_path, "trouble.py") as house: await house.ask("trouble", do="raise")`"""

    def __init__(
        self,
        folder: Path,
        source: str,
        *,
        call_timeout_s: float = 20.0,
        queue_limit: int = 1000,
        **limits: Any,
    ) -> None:
        cards = read_task_cards(load_models(MODELS / source), str(MODELS / source), None)
        self.folder = folder
        self.cards = {card.name: card for card in cards}
        self.models_folder = folder / "models"
        self.runtime = runtime_folder(folder)
        self.supervisor = Supervisor(
            self.cards,
            FolderVersions(folder / "versions"),
            runtime_folder=self.runtime / "hosts",
            logs_folder=folder / "logs",
            models_folder=self.models_folder,
            limits=HostLimits(**{"eager_default": False, **limits}),
        )
        self.new_client = functools.partial(
            HostClient,
            self.runtime / "hosts" / "control.sock",
            call_timeout_s=call_timeout_s,
            queue_limit=queue_limit,
        )
        self.client = self.new_client()

    async def __aenter__(self) -> Self:
        await self.supervisor.start()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.supervisor.stop()
        await self.client.close()
        await asyncio.to_thread(shutil.rmtree, self.runtime, ignore_errors=True)

    async def answer(self, task: str, *, version: int | None = None, **inputs: Any) -> HostAnswer:
        """Ask the task's first model."""
        options = {name: inputs.pop(name) for name in ("timeout_s", "on_cancel") if name in inputs}
        model = self.cards[task].models[0].name
        return await self.client.call(task, model, version, inputs, **options)

    async def ask(self, task: str, **inputs: Any) -> Any:
        """The value of its answer."""
        return msgspec.json.decode((await self.answer(task, **inputs)).outputs)["answer"]

    async def text(self, task: str, **inputs: Any) -> str:
        """The answer of a task whose answer is text or a value, as text."""
        answer = await self.ask(task, **inputs)
        return str(answer["value"] if isinstance(answer, dict) else answer)

    def status(self, task: str) -> HostStatus:
        """How the task's host is."""
        return next(status for status in self.supervisor.survey() if status.task == task)

    async def until(self, is_true: Callable[[], object], wait_s: float = 10.0) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(wait_s):
            while not is_true():  # noqa: ASYNC110  another process decides it
                await asyncio.sleep(0.01)


def housed(
    source: str, **options: Any
) -> Callable[[Callable[[House], Awaitable[None]]], Callable[[Path], None]]:
    """Make an asynchronous test that gets a house an ordinary one."""

    def wrap(test: Callable[[House], Awaitable[None]]) -> Callable[[Path], None]:
        def run(tmp_path: Path) -> None:
            async def story() -> None:
                async with House(tmp_path, source, **options) as house:
                    await test(house)

            asyncio.run(story())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return wrap
