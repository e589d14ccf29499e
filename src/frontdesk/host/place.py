"""What all hosts of one supervisor share: where things are, and what they may use."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from frontdesk.catalog.version import VersionRecord


class VersionSource(Protocol):
    """What hosts must know of versions."""

    def live(self, task: str, model: str) -> VersionRecord | None: ...
    def get(self, task: str, model: str, number: int) -> VersionRecord | None: ...
    def add(
        self, task: str, model: str, staged: Path, metrics: Mapping[str, Any], parameters: Mapping[str, Any],
        *, live: bool, profile: bytes = b"",
    ) -> VersionRecord: ...  # fmt: skip
    def hold(self, version: VersionRecord) -> AbstractContextManager[Path]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """What hosts may use, and how patient their supervisor is with them. 0 means no limit."""

    memory_mb: int = 0
    idle_s: float = 900.0
    pixel_limit: int = 50_000_000
    drain_s: float = 10.0
    crash_limit: int = 5
    failed_load_limit: int = 3
    first_pause_s: float = 0.1
    longest_pause_s: float = 30.0
    eager_default: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlace:
    """What all hosts of one supervisor share."""

    sockets: Path
    staging: Path
    models: Path
    versions: VersionSource
    limits: HostLimits

    @contextlib.asynccontextmanager
    async def at_hand(self, version: VersionRecord) -> AsyncIterator[Path]:
        """The files of a version on this machine, for as long as the block lasts."""
        with contextlib.ExitStack() as held:
            yield await asyncio.to_thread(held.enter_context, self.versions.hold(version))
