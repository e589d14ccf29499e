"""What the worker asks of whoever does the jobs of one lane."""

from __future__ import annotations

from typing import Protocol

from frontdesk.desk.job import Lane, Lease
from frontdesk.host.client import HostClient
from frontdesk.run.outcome import Outcome


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

    async def perform(self, lease: Lease, hosts: HostClient) -> Outcome:
        """Do one. Never raises for what the job or the model did wrong. Cancelled, it ends the work."""
