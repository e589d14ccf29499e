"""Which jobs a worker does, and how many at once."""

from __future__ import annotations

import importlib.metadata
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from frontdesk.desk.job import Lane
from frontdesk.desk.workers import Introduction

_PREDICTS_AT_ONCE, _FILES_AT_ONCE = 64, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Which jobs a worker does, and how many of each lane at once (0: what is usual). `tasks` None is all."""

    lanes: tuple[Lane, ...] = tuple(Lane)
    tasks: tuple[str, ...] | None = None
    concurrency: int = 0

    def rooms(self, trainings: int) -> Mapping[Lane, int]:
        """For how many jobs of each lane there is room; never for more trainings than their setting says."""
        usual = {Lane.PREDICT: _PREDICTS_AT_ONCE, Lane.BATCH: _FILES_AT_ONCE, Lane.TRAIN: trainings}
        rooms = {lane: self.concurrency or usual[lane] for lane in self.lanes}
        if Lane.TRAIN in rooms:
            rooms[Lane.TRAIN] = min(rooms[Lane.TRAIN], trainings)
        return {lane: room for lane, room in rooms.items() if room}


def introduce(name: str, rooms: Mapping[Lane, int], tasks: tuple[str, ...] | None) -> Introduction:
    """What a worker of this process says of itself."""
    return Introduction(
        name=name,
        machine=socket.gethostname(),
        frontdesk_version=importlib.metadata.version("frontdesk"),
        lanes=rooms,
        tasks=tasks,
    )
