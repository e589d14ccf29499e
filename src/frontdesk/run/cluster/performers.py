"""The performers of a worker whose jobs are done on the cluster: they take none while the cluster is away."""

from __future__ import annotations

from frontdesk.desk.job import Lane, Lease
from frontdesk.run.cluster.line import ClusterLine
from frontdesk.run.outcome import Outcome
from frontdesk.run.performer import Models, Performer


class WhileUp:
    """A performer that has room only while the cluster is there, so that jobs wait where they are."""

    def __init__(self, performer: Performer, line: ClusterLine) -> None:
        self._performer, self._line = performer, line
        self.lane: Lane = performer.lane
        self.takes_long = performer.takes_long

    @property
    def room(self) -> int:
        """How many jobs it takes at a time."""
        return self._performer.room if self._line.is_up else 0

    def took(self, seconds: float) -> None:
        """One job took that long."""
        self._performer.took(seconds)

    async def perform(self, lease: Lease, hosts: Models) -> Outcome:
        """Do one."""
        return await self._performer.perform(lease, hosts)
