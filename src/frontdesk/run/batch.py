"""Batch jobs: from a lease to a file with the predictions beside its rows.

    sheet ──> rows ──> inputs ──> host ──> chunk on the disk ──> ... ──> result, in one pass over sheet and chunks

While the model works on one chunk, the next is read. What was answered is kept by chunks, so a job that is
tried again, by this worker or another, goes on behind the last of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from frontdesk.declare.columns import match
from frontdesk.declare.kinds import Integer, Number
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.batch import BatchOutputs, BatchPayload
from frontdesk.desk.job import Failure, Job, JobState, Lane, Lease
from frontdesk.desk.queue import Desk
from frontdesk.errors import (
    FrontdeskError,
    HostUnreachable,
    LeaseLost,
    NotFound,
    Overloaded,
    StoreUnavailable,
)
from frontdesk.run.batch_result import write_result
from frontdesk.run.batch_rows import Answering, Answers
from frontdesk.run.batch_summary import summary_of
from frontdesk.run.chunk_backup import ChunkBackup
from frontdesk.run.chunks import Chunks
from frontdesk.run.fencing import job_folders, take_over
from frontdesk.run.outcome import Failed, Finished, Outcome, Released, no_room
from frontdesk.run.performer import Models
from frontdesk.run.stored_progress import StoredProgress
from frontdesk.store.files import FileStore, StoredFile
from frontdesk.store.sheets.formats import SheetFormat
from frontdesk.store.sheets.reading import open_sheet
from frontdesk.store.sheets.rows import Sheet

log = logging.getLogger(__name__)


class Batcher:
    """Does batch jobs."""

    lane = Lane.BATCH
    takes_long = True

    def __init__(
        self,
        desk: Desk,
        files: FileStore,
        cards: Mapping[str, TaskCard],
        folder: Path,
        at_once: int = 2,
        progress: StoredProgress | None = None,
    ) -> None:
        self._desk, self._files, self._cards, self._folder = desk, files, cards, folder
        self.room, self._progress = at_once, progress
        self._partial: set[asyncio.Task[None]] = set()

    def took(self, seconds: float) -> None:
        """How long a file takes says nothing about how many there is room for."""

    async def perform(self, lease: Lease, hosts: Models) -> Outcome:
        """Do one. Never raises for what the job or the model did wrong."""
        job = lease.job
        card = self._cards.get(job.task)
        if card is None:
            return Failed(Failure(f"The task {job.task} is served no more.", NotFound.__name__))
        await asyncio.to_thread(self._forget_left_behind)
        try:
            backup = ChunkBackup(self._progress, lease)
            folder = await asyncio.to_thread(take_over, self._folder, lease.job.id, lease.token)
            chunks = await asyncio.to_thread(backup.restore, folder)
        except LeaseLost:
            return Released()
        try:
            async with backup.going_on(chunks):
                outcome = await self._perform(lease, card, chunks, hosts)
            await asyncio.to_thread(backup.forget)
            return outcome
        except (Overloaded, HostUnreachable, StoreUnavailable):
            return Released()
        except LeaseLost:
            return Released()  # of what is no longer ours nothing is written, not even that
        except NotFound:
            return Failed(Failure("The file is gone.", NotFound.__name__))
        except FrontdeskError as error:
            await self._keep_partial(lease, card, chunks)
            return Failed(Failure.of(error))
        except OSError as error:
            return no_room(error, "for the result")
        except asyncio.CancelledError:
            # Cancelled by its owner, or taken back to be gone on with elsewhere; only the first keeps what there is.
            keeping = asyncio.create_task(self._keep_partial(lease, card, chunks))
            self._partial.add(keeping)
            keeping.add_done_callback(self._partial.discard)
            raise

    async def _perform(self, lease: Lease, card: TaskCard, chunks: Chunks, hosts: Models) -> Outcome:
        job = lease.job
        payload = msgspec.json.decode(job.payload, type=BatchPayload)
        with contextlib.ExitStack() as held:
            # It may be large, and far away: others work on this event loop meanwhile.
            path = await asyncio.to_thread(self._at_hand, held, job)
            sheet = await asyncio.to_thread(open_sheet, path)
            answers = Answers(self._desk, lease, payload, sheet, chunks)
            version = await self._answer(lease, card, path, sheet, answers, hosts)
        outputs = await asyncio.to_thread(self._keep, lease, card, chunks, is_partial=False)
        await asyncio.to_thread(chunks.discard)
        return Finished(outputs, version)

    def _at_hand(self, held: contextlib.ExitStack, job: Job) -> Path:
        """The file on this machine, until `held` is closed."""
        return held.enter_context(self._files.local(job.input_file or ""))

    async def _answer(
        self, lease: Lease, card: TaskCard, path: Path, sheet: Sheet, answers: Answers, hosts: Models
    ) -> int:
        """Have all rows answered that are not yet; give the version that did."""
        return await Answering(lease, card, sheet, answers, hosts).run()

    async def _keep_partial(self, lease: Lease, card: TaskCard, chunks: Chunks) -> None:
        """Make a result of what there is, where the job is over with nothing else to show."""
        try:
            if chunks.rows and chunks.folder.is_dir():  # another attempt may have taken it over
                await asyncio.to_thread(self._keep, lease, card, chunks, is_partial=True)
        except LeaseLost:
            return
        except (FrontdeskError, OSError):
            log.exception("what there is of job %s could not be kept", lease.job.id)

    def _keep(self, lease: Lease, card: TaskCard, chunks: Chunks, *, is_partial: bool) -> bytes:
        """Write the result and attach it to the job, with its outputs where no more will follow; give those."""
        job = lease.job
        payload = msgspec.json.decode(job.payload, type=BatchPayload)
        with self._files.local(job.input_file or "") as path:
            sheet = open_sheet(path)
            places = match(card.signature.inputs, sheet.header).places
            kinds = {field.name: field.kind for field in card.signature.inputs}
            measured = frozenset(p for n, p in places.items() if isinstance(kinds[n], Number | Integer))
            result, columns = write_result(path, payload.format, chunks, measured)
            try:
                outputs = BatchOutputs(
                    rows=chunks.rows,
                    failed_rows=chunks.failed_rows(),
                    columns=columns,
                    format=payload.format,
                    summary=summary_of(sheet, chunks, columns),
                )
                stored = self._store(job, result, payload.format)
            finally:
                result.unlink()
        document = msgspec.json.encode(outputs)
        try:
            self._desk.attach(lease, stored.id, document if is_partial else None)
        except LeaseLost:
            self._files.remove(stored.id)
            raise
        return document

    def _store(self, job: Job, result: Path, kind: str) -> StoredFile:
        name = f"{Path(self._files.get(job.input_file or '').name).stem or 'batch'}-predictions.{kind}"
        with result.open("rb") as content:
            return self._files.add(
                job.owner, name, SheetFormat(kind).media_type, iter(lambda: content.read(2**20), b"")
            )

    def _forget_left_behind(self) -> None:
        """Remove the chunks of jobs that are no more, or are done."""
        for job_id, folder in job_folders(self._folder):
            if self._is_done(job_id):
                shutil.rmtree(folder, ignore_errors=True)
        if self._progress is not None:
            self._progress.sweep(self._is_done)

    def _is_done(self, job_id: str) -> bool:
        try:
            return self._desk.get(job_id, None).state is JobState.SUCCEEDED
        except NotFound:
            return True
