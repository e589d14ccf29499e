"""Group commit on database servers: writes of a process that need the same turn share a transaction.

They would wait for each other's commits anyhow, and each commit waits for the disk; together they wait for it once.
No thread is kept for this. Whoever comes first writes for itself; those who come meanwhile form a line, and the first
of them then writes for all of them (flat combining: Hendler, Incze, Shavit and Tzafrir, SPAA 2010). Other turns have
lines of their own, so whoever holds one up holds up nobody else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from frontdesk.errors import StoreRefused, StoreUnavailable

T = TypeVar("T")
Write = Callable[[sa.Connection], Any]

_LARGEST_GROUP = 64


@dataclass(eq=False, slots=True)
class _Wish:
    write: Write
    called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    result: Any = None
    refusal: BaseException | None = None


class Line:
    """Those whose writes take the same turn. `transaction` runs a write in a transaction, and commits."""

    def __init__(self, transaction: Callable[[Write], Any]) -> None:
        self._transaction = transaction
        self._gate = threading.Lock()
        self._waiting: list[_Wish] = []
        self._is_led = False

    def write(self, write: Callable[[sa.Connection], T]) -> T:
        """The result of `write` once it is committed. What it raises undoes its own changes, and is raised here."""
        wish = _Wish(write)
        with self._gate:
            self._waiting.append(wish)
            wish.leads, self._is_led = not self._is_led, True
        if not wish.leads:
            wish.called.wait()
        if wish.leads:
            self._lead()
        if wish.refusal is not None:
            raise wish.refusal
        return cast(T, wish.result)

    def _lead(self) -> None:
        """Write for all who are in line, oneself first; then have the first of those who came meanwhile lead."""
        with self._gate:
            group, self._waiting = self._waiting[:_LARGEST_GROUP], self._waiting[_LARGEST_GROUP:]
        try:
            self._write_all(group)
        finally:
            with self._gate:
                self._is_led = bool(self._waiting)
                next_one = self._waiting[:1]
            for wish in next_one:
                wish.leads = True
            for wish in group + next_one:
                wish.called.set()

    def _write_all(self, group: Sequence[_Wish]) -> None:
        """Write all in one transaction. Where one of them raises something, each gets one of its own."""
        try:
            results = self._transaction(lambda connection: [wish.write(connection) for wish in group])
        except (StoreRefused, StoreUnavailable) as refusal:
            _refuse(group, refusal)
        except BaseException as refusal:  # noqa: BLE001  (raised where it belongs)
            if len(group) == 1:
                _refuse(group, refusal)
            else:
                for wish in group:
                    self._write_all([wish])
        else:
            for wish, result in zip(group, results, strict=True):
                wish.result = result


def _refuse(group: Sequence[_Wish], refusal: BaseException) -> None:
    for wish in group:
        wish.refusal = refusal
