"""What a worker's parts are where its jobs are done on a Ray cluster."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from frontdesk.declare.signature import TaskCard
from frontdesk.host.client import HostClient
from frontdesk.host.place import VersionSource
from frontdesk.run.cluster.hosts import ClusterLimits, ClusterModels
from frontdesk.run.cluster.line import ClusterLine
from frontdesk.run.cluster.messages import CarrierSpec
from frontdesk.run.cluster.performers import WhileUp
from frontdesk.run.cluster.train import starter
from frontdesk.run.performer import Performer
from frontdesk.run.train_child import StartTraining
from frontdesk.run.worker import Worker

_PREFIX = "carrier-"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as one worker has it."""

    line: ClusterLine
    limits: ClusterLimits

    @classmethod
    def at(
        cls,
        address: str,
        *,
        sockets: Path,
        actors: int,
        wait_s: float,
        silence_s: float,
        limits: ClusterLimits,
    ) -> Cluster:
        """The cluster at an address. `sockets` is a folder for the one to the carrier."""
        _remove_left_behind(sockets)
        socket = sockets / f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}.sock"
        spec = CarrierSpec(
            address=address, socket=str(socket), actors=actors, wait_s=wait_s, silence_s=silence_s
        )
        return cls(ClusterLine(spec), limits)

    def models(
        self, cards: Mapping[str, TaskCard], versions: VersionSource, local: HostClient
    ) -> ClusterModels:
        """How models there are asked; made on the event loop that uses it."""
        return ClusterModels(self.line, cards, versions, local, self.limits)

    def performers(self, performers: Sequence[Performer]) -> list[Performer]:
        """The same performers, without room while the cluster is away."""
        return [WhileUp(performer, self.line) for performer in performers]

    @property
    def start_training(self) -> StartTraining:
        """What starts trainings there."""
        return starter(self.line, self.limits.shared)

    def works_for(self, worker: Worker) -> None:
        """Have this worker look for jobs as soon as the cluster is there."""
        self.line.came_up = worker.look


def _remove_left_behind(sockets: Path) -> None:
    """Sockets of workers that were killed."""
    for left in sockets.glob(f"{_PREFIX}*"):
        with contextlib.suppress(ValueError):
            if not psutil.pid_exists(int(left.name.removeprefix(_PREFIX).partition("-")[0])):
                left.unlink(missing_ok=True)
