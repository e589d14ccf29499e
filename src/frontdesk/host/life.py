"""What a keeper knows of one host process, from before its start to its end."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass, field

from frontdesk.host.child import HostChild
from frontdesk.host.messages import HostReport


class Wish(enum.Enum):
    """What is to follow when a process ends on purpose."""

    STOP = enum.auto()
    START_AGAIN = enum.auto()


@dataclass(slots=True)
class Life:
    """What is known of one process, from before its start to its end."""

    socket: str
    child: HostChild | None = None
    was_ready: bool = False
    alive: HostReport = HostReport(event="alive")
    busy_at: float = field(default_factory=time.monotonic)
    verdict: HostReport | None = None
    wish: Wish | None = None
    cause: str = ""

    def end(self) -> None:
        """Kill it."""
        if self.child is not None:
            self.child.kill()
