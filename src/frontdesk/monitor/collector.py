"""Counts questions as they are answered, and writes a few times a minute's worth of that down, beside the event loop.

    answered ──> counts, and of a few questions the question itself     on the event loop: about a microsecond
       take ──> all of that since the last time                         on the event loop, once a second
       keep ──> rows: one for each version and minute, and a sample     in a thread; whoever asks waits for none of it

What a process had counted and not kept when it was killed is lost: a second at most. While the database cannot be
written, counts wait in memory and the sample is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from frontdesk.declare.kinds import Boolean, Choice, Integer, Number, Text
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import FrontdeskError
from frontdesk.monitor.keeping import Inputs, Keeper, Seen
from frontdesk.monitor.receipts import Key, Receipts
from frontdesk.monitor.tallies import BOUNDS_S, Tally

log = logging.getLogger(__name__)

EVERY_S = 1.0
_LOOKS_A_SECOND = 100
_LARGE_LOOKS_A_SECOND = 10
_SMALL_KINDS = (Number, Integer, Boolean, Choice, Text)


class Counted(msgspec.Struct):
    """What one version was asked since the last time."""

    room: int
    latencies: list[int]
    count: int = 0
    errors: int = 0
    seen: list[Seen] = []


@dataclass(slots=True)
class Collector:
    """For one event loop; `keep_up` runs there for as long as the process does."""

    cards: Mapping[str, TaskCard]
    receipts: Receipts
    keeper: Keeper | None
    _counted: dict[Key, Counted] = field(default_factory=dict)
    _last: asyncio.Lock = field(default_factory=asyncio.Lock)

    def answered(
        self, owner: str, key: Key, took_s: float, inputs: Inputs, outputs: bytes,
        *, is_wanted: bool = False, known_as: str = "",
    ) -> str:  # fmt: skip
        """Count an answer; give the id of the prediction, which is `known_as` where it has one already."""
        prediction = known_as or self.receipts.new(owner, key)
        if self.keeper is None:
            return prediction
        counted = self._counted.get(key)
        if counted is None:
            counted = self._new(key)
        counted.count += 1
        counted.latencies[bisect_left(BOUNDS_S, took_s)] += 1
        if counted.room > 0 or (is_wanted and counted.room > -_LARGE_LOOKS_A_SECOND):
            counted.room -= 1
            counted.seen.append(Seen(prediction, owner, time.time(), took_s, inputs, outputs, is_wanted))
        return prediction

    def failed(self, task: str, model: str) -> None:
        """Count a question without an answer; which version failed is not always known, so it is 0."""
        key = (task, model, 0)
        if self.keeper is not None:
            (self._counted.get(key) or self._new(key)).errors += 1

    async def flush(self) -> None:
        """Have all that was counted so far written down."""
        if self.keeper is None:
            return
        async with self._last:
            taken, self._counted = self._counted, {}
            try:
                await asyncio.to_thread(
                    self.keeper.keep, tallied(taken), {k: c.seen for k, c in taken.items()}
                )
            except FrontdeskError as error:
                log.warning("what was counted is not written down yet: %s", error)
            except Exception:
                log.exception("what was counted could not be written down")

    async def keep_up(self) -> None:
        """Write down what is counted, once a second, and a last time when this is cancelled."""
        try:
            while True:
                await asyncio.sleep(EVERY_S)
                await self.flush()
        except asyncio.CancelledError:
            with contextlib.suppress(asyncio.CancelledError):
                await self.flush()
            raise

    def _new(self, key: Key) -> Counted:
        counted = self._counted[key] = Counted(self._room(key), [0] * (len(BOUNDS_S) + 1))
        return counted

    def _room(self, key: Key) -> int:
        """How many questions to look into at a time. Those of a model that does not collect stay unseen."""
        card = self.cards.get(key[0])
        model = card.model(key[1]) if card else None
        if card is None or model is None or not model.collects:
            return -_LARGE_LOOKS_A_SECOND
        is_small = all(isinstance(item.kind, _SMALL_KINDS) for item in card.signature.inputs)
        return _LOOKS_A_SECOND if is_small else _LARGE_LOOKS_A_SECOND


def tallied(taken: Mapping[Key, Counted]) -> dict[Key, Tally]:
    """The counts alone."""
    return {
        key: Tally(
            count=counted.count,
            errors=counted.errors,
            latencies={bucket: count for bucket, count in enumerate(counted.latencies) if count},
        )
        for key, counted in taken.items()
    }
