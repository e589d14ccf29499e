"""Asking a model for many rows: in as many calls as it takes, and whatever becomes of its process meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import msgspec

from frontdesk.errors import CallTimeout, HostCrashed
from frontdesk.host.link import HostAnswer
from frontdesk.host.messages import RowsAnswer
from frontdesk.run.cells import Inputs

FIRST_ROWS, MOST_ROWS = 32, 20_000
_AIM_S = 0.25  # for which people who ask meanwhile may have to wait
_GROWTH = 8

_decode_rows = msgspec.msgpack.Decoder(RowsAnswer).decode

Call = Callable[[Mapping[str, list[object]], int], Awaitable[HostAnswer]]
"""Asks a model for a number of rows, given as a list for each input."""


class Portion(msgspec.Struct, frozen=True, array_like=True):
    """What came of the next `count` rows: answers to those at `places` (None: all), reasons for others."""

    count: int
    columns: dict[str, list[object]]
    faults: dict[int, str]
    places: list[int] | None


class Asking:
    """Asks on and on, and learns how many rows at a time are right."""

    def __init__(self, call: Call, version: int) -> None:
        self._call = call
        self._most = MOST_ROWS
        self.size, self.version = FIRST_ROWS, version

    async def portions(self, count: int, inputs: Inputs) -> AsyncIterator[Portion]:
        """Have `count` rows answered; `inputs` are those of them that can be asked."""
        good = inputs.places if inputs.places is not None else range(count)
        row, asked = 0, 0
        while row < count:
            columns: dict[str, list[object]] = {}
            faults = {place: fault for place, fault in inputs.faults.items() if place >= row}
            answered: Sequence[int] = ()
            if asked < len(good):
                rows = await self._ask(inputs, asked, len(good) - asked)
                answered = good[asked : asked + rows.rows]
                columns = rows.columns
                faults |= {answered[place]: fault for place, fault in rows.faults.items()}
            asked += len(answered)
            end = good[asked] if asked < len(good) else count
            yield Portion(
                end - row,
                columns,
                {place - row: fault for place, fault in faults.items() if place < end},
                None if len(answered) == end - row else [place - row for place in answered],
            )
            row = end

    async def _ask(self, inputs: Inputs, start: int, count: int) -> RowsAnswer:
        """Ask for up to `count` rows from `start`. A row that costs the model its process goes without."""
        count = min(count, self._most)
        columns = {name: values[start : start + count] for name, values in inputs.columns.items()}
        try:
            answer = await self._call(columns, count)
        except (HostCrashed, CallTimeout) as error:
            if count == 1:
                return RowsAnswer({}, {0: str(error)}, 1)
            self._most = 1
            return await self._ask(inputs, start, 1)
        self._most = min(self._most * _GROWTH, MOST_ROWS)
        self.version = answer.version
        rows = _decode_rows(answer.outputs)
        self.size = _next_size(self.size, rows.rows, answer.seconds)
        return rows


def _next_size(size: int, rows: int, seconds: float) -> int:
    """As many rows as take the model about as long as it should be busy with them."""
    wanted = int(rows * _AIM_S / max(seconds, 1e-4))
    return max(1, min(wanted, size * _GROWTH, MOST_ROWS))
