"""Everything about how models are doing, on one database."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from frontdesk.declare.signature import TaskCard
from frontdesk.errors import SettingsError
from frontdesk.monitor.collected import Collected
from frontdesk.monitor.collector import Collector
from frontdesk.monitor.feedback import Feedback
from frontdesk.monitor.figures import Watching
from frontdesk.monitor.keeping import Keeper, KeepLimits
from frontdesk.monitor.receipts import Receipts
from frontdesk.monitor.sweeping import Sweeps
from frontdesk.store.database import Database


class Mode(StrEnum):
    """What is kept of what models are asked."""

    ROWS = "rows"
    COUNTS = "counts"
    OFF = "off"


class Monitor:
    """Its parts are synchronous but for the collector, of which every process that asks models has one."""

    def __init__(self, database: Database, mode: str, rows_a_day: int, rows: int, days: float) -> None:
        """`mode` is what the setting says. Raises SettingsError."""
        self._database, self.mode = database, mode_of(mode)
        rows_a_day = rows_a_day if self.mode is Mode.ROWS else 0
        self.limits = limits = KeepLimits(rows_a_day=rows_a_day, rows=rows, days=days)
        self.receipts = Receipts(database)
        self.feedback = Feedback(database, self.receipts)
        self.watching = Watching(database, self.feedback)
        self.collected = Collected(database)
        self.sweeps = Sweeps(database, limits)

    def collector(self, cards: Mapping[str, TaskCard]) -> Collector:
        """What counts the answers of one process."""
        keeper = None if self.mode is Mode.OFF else Keeper(self._database, cards, self.limits)
        return Collector(cards, self.receipts, keeper)


def mode_of(name: str) -> Mode:
    """The mode of that name. Raises SettingsError."""
    if name not in set(Mode):
        raise SettingsError(f"monitor = {name!r} must be one of {', '.join(Mode)}.")
    return Mode(name)
