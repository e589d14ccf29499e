"""The chunks of a batch file, kept where another machine can go on from them, a few seconds' worth at a time.

What is answered meanwhile is not held up; a machine that is lost takes the answers of its last seconds with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from frontdesk.desk.job import Lease
from frontdesk.run.chunks import Chunks, Stretch
from frontdesk.run.stored_progress import StoredProgress

_EVERY_S = 2.0


class ChunkBackup:
    """Of one attempt at a job; it does nothing where machines share no storage."""

    def __init__(self, progress: StoredProgress | None, lease: Lease) -> None:
        self._progress, self._job_id, self._token = progress, lease.job.id, lease.token

    def restore(self, folder: Path) -> Chunks:
        """The job's chunks: those that are here, and those behind them that another machine saved."""
        chunks = Chunks(folder, self._token)
        if self._progress is None:
            return chunks
        fetched = folder.with_name(f".{folder.name}.fetched")
        for saved in self._progress.found(self._job_id):
            stretch = Stretch.read(saved.name)
            if stretch is None or stretch.end <= chunks.rows:
                continue
            shutil.rmtree(fetched, ignore_errors=True)
            if self._progress.fetch(saved, fetched):
                for path in fetched.iterdir():  # each is whole: a crash in between leaves some of them
                    path.replace(folder / path.name)
        shutil.rmtree(fetched, ignore_errors=True)
        return Chunks(folder, self._token)

    @contextlib.asynccontextmanager
    async def going_on(self, chunks: Chunks) -> AsyncIterator[None]:
        """Save new chunks now and again while the block lasts."""
        saving = asyncio.create_task(self._save_on(chunks))
        try:
            yield
        finally:
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)

    async def _save_on(self, chunks: Chunks) -> None:
        saved = chunks.rows
        while self._progress is not None:
            await asyncio.sleep(_EVERY_S)
            stretch, paths = chunks.since(saved)
            if not paths:
                continue
            save = functools.partial(self._progress.save, self._job_id, stretch.name, chunks.folder, paths)
            if await asyncio.to_thread(save):
                saved = stretch.end

    def forget(self) -> None:
        """The file is answered."""
        if self._progress is not None:
            self._progress.forget(self._progress.found(self._job_id))
