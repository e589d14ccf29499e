"""The rows of a batch file without an answer yet: by portions to the host, and what comes of each to the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping

from frontdesk.declare.columns import match
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.batch import BatchPayload
from frontdesk.desk.job import Lease, Progress
from frontdesk.desk.queue import Desk
from frontdesk.errors import Fault, InvalidInput
from frontdesk.host.link import HostAnswer
from frontdesk.run.asking import Asking, Portion
from frontdesk.run.cells import Inputs, inputs_of
from frontdesk.run.chunks import Chunks
from frontdesk.run.performer import Models
from frontdesk.store.sheets.rows import Rows, Sheet

_TELL_EVERY_S = 0.5


class Answers:
    """Where the answers to one file go, as they come: chunks on the disk, progress to the desk."""

    def __init__(self, desk: Desk, lease: Lease, payload: BatchPayload, sheet: Sheet, chunks: Chunks) -> None:
        self._desk, self._lease, self._chunks = desk, lease, chunks
        self._strict, self._total = payload.strict, sheet.total or 0
        self._begun_at, self._begun_with, self._told_at = time.monotonic(), chunks.rows, 0.0

    @property
    def rows(self) -> int:
        """How many rows are answered."""
        return self._chunks.rows

    async def keep(self, portion: Portion) -> None:
        """Write down what came of the next rows. Raises InvalidInput for a fault, where none is allowed."""
        if self._strict and portion.faults:
            place = min(portion.faults)
            row = self._chunks.rows + place + 1
            raise InvalidInput.of([Fault(f"/rows/{row}", f"Row {row}: {portion.faults[place]}")])
        await asyncio.to_thread(
            self._chunks.add, portion.columns, portion.faults, portion.places, portion.count
        )
        await self.tell()

    async def tell(self, *, is_last: bool = False) -> None:
        """Say how far it is, now and again."""
        now = time.monotonic()
        if now < self._told_at + _TELL_EVERY_S and not is_last:
            return
        self._told_at = now
        done = self._chunks.rows
        rate = (done - self._begun_with) / max(now - self._begun_at, 1e-6)
        message = f"rows, {rate:,.0f} a second"
        if self._total > done and rate > 0:
            message += f", {_left((self._total - done) / rate)}"
        await self.say(message, done if is_last else max(self._total, 0))

    async def say(self, message: str, total: int) -> None:
        """Tell the desk how far it is, in these words."""
        progress = Progress(done=self._chunks.rows, total=total, message=message)
        await asyncio.to_thread(self._desk.report, self._lease, progress)


class Answering:
    """One attempt at the rows that have no answer yet."""

    def __init__(self, lease: Lease, card: TaskCard, sheet: Sheet, answers: Answers, models: Models) -> None:
        job = lease.job
        self._fields, self._sheet, self._answers = card.signature.inputs, sheet, answers
        self._places = match(self._fields, sheet.header).places

        async def call(columns: Mapping[str, list[object]], rows: int) -> HostAnswer:
            return await models.call(job.task, job.model, job.version, columns, rows=rows)

        self._asking = Asking(call, job.version or 0)

    async def run(self) -> int:
        """Answer all rows; give the version that did. Raises what the host raises."""
        pieces = pieces_of(self._sheet, self._answers.rows, lambda: self._asking.size)
        following = asyncio.create_task(asyncio.to_thread(self._next, pieces))
        try:
            while (piece := await following) is not None:
                count, inputs = piece
                # While the model works on these rows, the next are read.
                following = asyncio.create_task(asyncio.to_thread(self._next, pieces))
                async for portion in self._asking.portions(count, inputs):
                    await self._answers.keep(portion)
        finally:
            following.cancel()
        await self._answers.tell(is_last=True)
        return self._asking.version

    def _next(self, pieces: Iterator[Rows]) -> tuple[int, Inputs] | None:
        rows = next(pieces, None)
        if rows is None:
            return None
        return rows.batch.num_rows, inputs_of(self._fields, self._places, rows)


def pieces_of(sheet: Sheet, answered: int, size: Callable[[], int]) -> Iterator[Rows]:
    """Rows in pieces, each as large as `size` says then, without those that are answered already."""
    skip = answered
    for rows in sheet.rows():
        start = min(skip, rows.batch.num_rows)
        skip -= start
        while start < rows.batch.num_rows:
            count = min(size(), rows.batch.num_rows - start)
            yield Rows(
                rows.batch.slice(start, count),
                {
                    place - start: fault
                    for place, fault in rows.faults.items()
                    if start <= place < start + count
                },
            )
            start += count


def _left(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min left" if seconds >= 120 else f"about {seconds:.0f} s left"
