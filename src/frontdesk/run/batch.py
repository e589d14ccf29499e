"""Batch jobs: from a lease to a file with the predictions beside its rows.

    sheet ──> rows ──> inputs ──> host ──> chunk on the disk ──> ... ──> result, in one pass over sheet and chunks

While the model works on one chunk, the next is read. What was answered is kept by chunks, so a job that is
tried again, by this worker or another, goes on behind the last of them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from frontdesk.declare.columns import match
from frontdesk.declare.kinds import Integer, Number
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.batch import BatchOutputs, BatchPayload
from frontdesk.desk.job import Failure, JobState, Lane, Lease, Progress
from frontdesk.desk.queue import Desk
from frontdesk.errors import (
    Fault,
    FrontdeskError,
    HostUnreachable,
    InvalidInput,
    LeaseLost,
    NotFound,
    Overloaded,
)
from frontdesk.host.client import HostClient
from frontdesk.host.messages import RowsAnswer
from frontdesk.run.batch_result import write_result
from frontdesk.run.batch_summary import summary_of
from frontdesk.run.cells import Inputs, inputs_of
from frontdesk.run.chunks import Chunks
from frontdesk.run.outcome import Failed, Finished, Outcome, Released
from frontdesk.store.files import FileStore
from frontdesk.store.sheets.formats import SheetFormat
from frontdesk.store.sheets.reading import open_sheet
from frontdesk.store.sheets.rows import Rows, Sheet

log = logging.getLogger(__name__)

_AT_ONCE = 2
_FIRST_ROWS, _MOST_ROWS = 32, 20_000
_AIM_S = 0.25  # for which people who ask meanwhile may have to wait
_GROWTH = 4
_TELL_EVERY_S = 0.5

_decode_rows = msgspec.msgpack.Decoder(RowsAnswer).decode


class Batcher:
    """Does batch jobs."""

    lane = Lane.BATCH
    takes_long = True
    room = _AT_ONCE

    def __init__(self, desk: Desk, files: FileStore, cards: Mapping[str, TaskCard], folder: Path) -> None:
        self._desk, self._files, self._cards, self._folder = desk, files, cards, folder
        self._partial: set[asyncio.Task[None]] = set()

    def took(self, seconds: float) -> None:
        """How long a file takes says nothing about how many there is room for."""

    async def perform(self, lease: Lease, hosts: HostClient) -> Outcome:
        """Do one. Never raises for what the job or the model did wrong."""
        job = lease.job
        card = self._cards.get(job.task)
        if card is None:
            return Failed(Failure(f"The task {job.task} is served no more.", NotFound.__name__))
        await asyncio.to_thread(self._forget_left_behind)
        chunks = Chunks(self._folder / job.id)
        try:
            return await self._perform(lease, card, chunks, hosts)
        except (Overloaded, HostUnreachable):
            return Released()
        except NotFound:
            return Failed(Failure("The file is gone.", NotFound.__name__))
        except FrontdeskError as error:
            await self._keep_partial(lease, card, chunks)
            return Failed(Failure.of(error))
        except OSError as error:
            return Failed(Failure(f"There is no room for the result: {error.strerror}."))
        except asyncio.CancelledError:
            # Cancelled by its owner, or taken back to be gone on with elsewhere; only the first keeps what there is.
            keeping = asyncio.create_task(self._keep_partial(lease, card, chunks))
            self._partial.add(keeping)
            keeping.add_done_callback(self._partial.discard)
            raise

    async def _perform(self, lease: Lease, card: TaskCard, chunks: Chunks, hosts: HostClient) -> Outcome:
        job = lease.job
        payload = msgspec.json.decode(job.payload, type=BatchPayload)
        with self._files.local(job.input_file or "") as path:
            sheet = await asyncio.to_thread(open_sheet, path)
            answering = _Answering(self._desk, lease, card, payload, sheet, chunks, hosts)
            version = await answering.run()
            failed_rows = await asyncio.to_thread(chunks.failed_rows)
            columns = await asyncio.to_thread(self._write, lease, card, chunks)
            summary = await asyncio.to_thread(summary_of, sheet, chunks, columns)
        outputs = BatchOutputs(
            rows=chunks.rows,
            failed_rows=failed_rows,
            columns=columns,
            format=payload.format,
            summary=summary,
        )
        await asyncio.to_thread(chunks.discard)
        return Finished(msgspec.json.encode(outputs), version)

    async def _keep_partial(self, lease: Lease, card: TaskCard, chunks: Chunks) -> None:
        """Make a result of what there is, where the job is over with nothing else to show."""
        try:
            if chunks.rows:
                await asyncio.to_thread(self._write, lease, card, chunks)
        except LeaseLost:
            return
        except (FrontdeskError, OSError):
            log.exception("what there is of job %s could not be kept", lease.job.id)

    def _write(self, lease: Lease, card: TaskCard, chunks: Chunks) -> list[str]:
        """Write the result and attach it to the job; give the names of the columns that were added."""
        job = lease.job
        payload = msgspec.json.decode(job.payload, type=BatchPayload)
        with self._files.local(job.input_file or "") as path:
            places = match(card.signature.inputs, open_sheet(path).header).places
            kinds = {field.name: field.kind for field in card.signature.inputs}
            measured = frozenset(p for n, p in places.items() if isinstance(kinds[n], Number | Integer))
            result, columns = write_result(path, payload.format, chunks, measured)
        try:
            name = f"{Path(self._files.get(job.input_file or '').name).stem or 'batch'}-predictions.{payload.format}"
            with result.open("rb") as content:
                stored = self._files.add(
                    job.owner,
                    name,
                    SheetFormat(payload.format).media_type,
                    iter(lambda: content.read(2**20), b""),
                )
        finally:
            result.unlink()
        try:
            self._desk.attach(lease, stored.id)
        except LeaseLost:
            self._files.remove(stored.id)
            raise
        return columns

    def _forget_left_behind(self) -> None:
        """Remove the chunks of jobs that are no more, or are done."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            try:
                is_over = self._desk.get(folder.name, None).state is JobState.SUCCEEDED
            except NotFound:
                is_over = True
            if is_over:
                Chunks(folder).discard()


class _Answering:
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
        self._size = _FIRST_ROWS
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
        job = self._lease.job
        columns = (
            {name: values[start:] for name, values in inputs.columns.items()} if start else inputs.columns
        )
        answer = await self._hosts.call(job.task, job.model, job.version, columns, rows=count)
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
