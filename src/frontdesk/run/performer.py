"""What the worker asks of whoever does the jobs of one lane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from frontdesk.desk.job import Lane, Lease
from frontdesk.host.link import HostAnswer
from frontdesk.run.outcome import Outcome


class Models(Protocol):
    """How performers ask models: a `HostClient`, or what stands for one where models live elsewhere."""

    async def call(
        self, task: str, model: str, version: int | None, inputs: msgspec.Struct | Mapping[str, Any], *,
        timeout_s: float | None = None, on_cancel: Literal["drop", "kill"] = "drop", rows: int = 0,
    ) -> HostAnswer: ...  # fmt: skip

    async def warm(self, task: str, model: str, version: int) -> None: ...

    async def follow(self, task: str, model: str) -> None: ...

    async def close(self) -> None: ...


class Performer(Protocol):
    """Does jobs of one lane, several at a time."""

    lane: Lane
    takes_long: bool
    """Whether a worker that stops gives these jobs back at once, to be begun again or gone on with elsewhere."""

    @property
    def room(self) -> int:
        """How many jobs it takes at a time."""

    def took(self, seconds: float) -> None:
        """One job took that long."""

    async def perform(self, lease: Lease, hosts: Models) -> Outcome:
        """Do one. Never raises for what the job or the model did wrong. Cancelled, it ends the work."""
