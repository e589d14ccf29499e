"""The rows of a batch file without an answer yet: by portions to the host, and what comes of each to the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from frontdesk.declare.columns import match
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.batch import BatchPayload
from frontdesk.desk.job import Lease, Progress
from frontdesk.desk.queue import Desk
from frontdesk.errors import CallTimeout, Fault, HostCrashed, InvalidInput
from frontdesk.host.client import HostClient
from frontdesk.host.messages import RowsAnswer
from frontdesk.run.cells import Inputs, inputs_of
from frontdesk.run.chunks import Chunks
from frontdesk.store.sheets.rows import Rows, Sheet

_FIRST_ROWS, _MOST_ROWS = 32, 20_000
_AIM_S = 0.25  # for which people who ask meanwhile may have to wait
_GROWTH = 8
_TELL_EVERY_S = 0.5

_decode_rows = msgspec.msgpack.Decoder(RowsAnswer).decode


class Answering:
    """One attempt at the rows that have no answer yet."""

    def __init__(
        self,
        desk: Desk,
        lease: Lease,
        card: TaskCard,
        payload: BatchPayload,
        sheet: Sheet,
        chunks: Chunks,
        hosts: HostClient,
    ) -> None:
        self._desk, self._lease, self._hosts, self._chunks = desk, lease, hosts, chunks
        self._fields, self._strict, self._sheet = card.signature.inputs, payload.strict, sheet
        self._places = match(self._fields, sheet.header).places
        self._size, self._most = _FIRST_ROWS, _MOST_ROWS
        self._version = lease.job.version or 0
        self._total = sheet.total or 0
        self._begun_at, self._begun_with, self._told_at = time.monotonic(), chunks.rows, 0.0

    async def run(self) -> int:
        """Answer all rows; give the version that did. Raises what the host raises."""
        pieces = self._pieces(self._chunks.rows)
        following = asyncio.create_task(asyncio.to_thread(self._next, pieces))
        try:
            while (piece := await following) is not None:
                rows, inputs = piece
                # While the model works on these rows, the next are read.
                following = asyncio.create_task(asyncio.to_thread(self._next, pieces))
                await self._answer(rows, inputs)
        finally:
            following.cancel()
        await self._tell(is_last=True)
        return self._version

    def _next(self, pieces: Iterator[tuple[int, Inputs]]) -> tuple[int, Inputs] | None:
        return next(pieces, None)

    def _pieces(self, answered: int) -> Iterator[tuple[int, Inputs]]:
        """Rows in portions, without those that are answered already."""
        skip = answered
        for rows in self._sheet.rows():
            start = min(skip, rows.batch.num_rows)
            skip -= start
            while start < rows.batch.num_rows:
                count = min(self._size, rows.batch.num_rows - start)
                part = Rows(
                    rows.batch.slice(start, count),
                    {
                        place - start: fault
                        for place, fault in rows.faults.items()
                        if start <= place < start + count
                    },
                )
                yield count, inputs_of(self._fields, self._places, part)
                start += count

    async def _answer(self, count: int, inputs: Inputs) -> None:
        """Have these rows answered, in as many calls as it takes, and keep what comes of each."""
        good = inputs.places if inputs.places is not None else range(count)
        row, asked = 0, 0
        while row < count:
            columns: Mapping[str, list[object]] = {}
            faults = {place: fault for place, fault in inputs.faults.items() if place >= row}
            answered: Sequence[int] = ()
            if asked < len(good):
                rows = await self._ask(inputs, asked, len(good) - asked)
                answered = good[asked : asked + rows.rows]
                columns = rows.columns
                faults |= {answered[place]: fault for place, fault in rows.faults.items()}
            asked += len(answered)
            end = good[asked] if asked < len(good) else count
            await self._keep(row, end, columns, faults, answered)
            row = end

    async def _ask(self, inputs: Inputs, start: int, count: int) -> RowsAnswer:
        """Ask for up to `count` rows from `start`. A row that costs the model its process goes without."""
        job, count = self._lease.job, min(count, self._most)
        columns = {name: values[start : start + count] for name, values in inputs.columns.items()}
        try:
            answer = await self._hosts.call(job.task, job.model, job.version, columns, rows=count)
        except (HostCrashed, CallTimeout) as error:
            if count == 1:
                return RowsAnswer({}, {0: str(error)}, 1)
            self._most = 1
            return await self._ask(inputs, start, 1)
        self._most = min(self._most * _GROWTH, _MOST_ROWS)
        self._version = answer.version
        rows = _decode_rows(answer.outputs)
        self._size = _next_size(self._size, rows.rows, answer.seconds)
        return rows

    async def _keep(
        self,
        start: int,
        end: int,
        columns: Mapping[str, list[object]],
        faults: Mapping[int, str],
        answered: Sequence[int],
    ) -> None:
        mine = {place - start: fault for place, fault in faults.items() if place < end}
        if self._strict and mine:
            place = min(mine)
            row = self._chunks.rows + place + 1
            raise InvalidInput.of([Fault(f"/rows/{row}", f"Row {row}: {mine[place]}")])
        places = None if len(answered) == end - start else [place - start for place in answered]
        await asyncio.to_thread(self._chunks.add, columns, mine, places, end - start)
        await self._tell()

    async def _tell(self, *, is_last: bool = False) -> None:
        now = time.monotonic()
        if now < self._told_at + _TELL_EVERY_S and not is_last:
            return
        self._told_at = now
        done = self._chunks.rows
        rate = (done - self._begun_with) / max(now - self._begun_at, 1e-6)
        message = f"rows, {rate:,.0f} a second"
        if self._total > done and rate > 0:
            message += f", {_left((self._total - done) / rate)}"
        progress = Progress(done=done, total=done if is_last else max(self._total, 0), message=message)
        await asyncio.to_thread(self._desk.report, self._lease, progress)


def _next_size(size: int, rows: int, seconds: float) -> int:
    """As many rows as take the model about as long as it should be busy with them."""
    wanted = int(rows * _AIM_S / max(seconds, 1e-4))
    return max(1, min(wanted, size * _GROWTH, _MOST_ROWS))


def _left(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min left" if seconds >= 120 else f"about {seconds:.0f} s left"
