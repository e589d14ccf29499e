"""On a node of the cluster: one version of a model in a host beside this process, looked after as on any machine."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psutil

from frontdesk.catalog.artifacts import artifacts_in
from frontdesk.catalog.version import Origin, VersionRecord, held_in
from frontdesk.errors import NotTrained
from frontdesk.host.client import HostClient
from frontdesk.host.link import HostAnswer
from frontdesk.host.supervisor import HostLimits, Supervisor
from frontdesk.run.cluster.messages import HostOrder
from frontdesk.run.cluster.shared import home

_PREFIX = "frontdesk-ray-"

T = TypeVar("T")


class Aside:
    """An event loop on a thread of its own: Ray has its own ideas of loops, and threads that it ends."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="frontdesk", daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run it there; cancelling what is given cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[[], object]) -> None:
        """Call it there."""
        self._loop.call_soon_threadsafe(function)


class NodeHosts:
    """The host of one version, and how it is asked. It ends with this process, however that ends."""

    def __init__(self, order: HostOrder) -> None:
        self._order, self._aside = order, Aside()
        self.run(self._start()).result()

    def run(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run it on the loop of the host's client."""
        return self._aside.run(work)

    async def warm(self) -> None:
        """Wait until the model can answer. Raises why it cannot."""
        model = self._order.card.models[0]
        await self._client.warm(self._order.card.name, model.name, self._order.version)

    async def call(
        self, inputs: Mapping[str, Any], *, rows: int, timeout_s: float | None = None
    ) -> HostAnswer:
        """Ask the model."""
        order = self._order
        return await self._client.call(
            order.card.name, order.card.models[0].name, order.version, inputs,
            timeout_s=timeout_s, on_cancel="kill", rows=rows,
        )  # fmt: skip

    async def _start(self) -> None:
        order = self._order
        folder = own_folder()
        supervisor = Supervisor(
            {order.card.name: order.card},
            _OneVersion(order),
            runtime_folder=folder,
            logs_folder=home() / "logs" if order.shared else Path(order.logs_folder) / socket.gethostname(),
            models_folder=Path(order.models_folder),
            limits=HostLimits(memory_mb=order.memory_mb, pixel_limit=order.pixel_limit, idle_s=0),
        )
        await supervisor.start()
        self._client = HostClient(
            folder / "control.sock", call_timeout_s=order.call_timeout_s, queue_limit=order.queue_limit
        )


class _OneVersion:
    """All that this host must know of versions."""

    def __init__(self, order: HostOrder) -> None:
        self._record = VersionRecord(
            task=order.card.name,
            model=order.card.models[0].name,
            number=order.version,
            folder=Path(order.folder),
            metrics=order.metrics,
            parameters=order.parameters,
            created_at=datetime.fromtimestamp(0, UTC),
            is_live=True,
            id=order.id,
            origin=Origin(archive=order.archive),
        )
        self._shared = order.shared

    def live(self, task: str, model: str) -> VersionRecord:
        return self._record

    def get(self, task: str, model: str, number: int) -> VersionRecord | None:
        return self._record if number == self._record.number else None

    def add(
        self, task: str, model: str, staged: Path, metrics: Mapping[str, Any], parameters: Mapping[str, Any],
        *, live: bool, profile: bytes = b"",
    ) -> VersionRecord:  # fmt: skip
        raise NotTrained("Versions are not made here.")

    def hold(self, version: VersionRecord) -> AbstractContextManager[Path]:
        if self._shared is None or version.origin.archive is None:
            return contextlib.nullcontext(version.folder)
        storage = self._shared.open()
        return held_in(artifacts_in(home() / "versions", storage.versions, storage.cache), version)


def own_folder(parent: Path | None = None) -> Path:
    """A folder of this process; without a parent its name is short, for the sake of sockets.

    Those of processes that are gone are removed.
    """
    parent = parent or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{_PREFIX}*-*"):
        with contextlib.suppress(ValueError):
            if not psutil.pid_exists(int(left.name.removeprefix(_PREFIX).partition("-")[0])):
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
