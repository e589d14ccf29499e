"""Checkpoints of a training, saved every few seconds where another machine can go on from them.

What is saved is what lies there at one moment: where a file changes while it is read, it is tried again later. An
attempt on another machine finds it in a folder as its predecessor would have left it, which `fencing` takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

from frontdesk.run.fencing import newest_token
from frontdesk.run.stored_progress import Saved, StoredProgress
from frontdesk.store.folders import below

_EVERY_S = 5.0

Files = dict[Path, tuple[int, int]]


class CheckpointBackup:
    """Of all trainings of a worker; it does nothing where machines share no storage."""

    def __init__(self, progress: StoredProgress | None) -> None:
        self._progress = progress

    def restore(self, parent: Path, job_id: str) -> None:
        """Lay down what another machine saved, where that is newer than what is here."""
        if self._progress is None or not (found := self._progress.found(job_id)):
            return
        token = _token_of(found[-1])
        if token <= newest_token(parent, job_id):
            return
        fetched = parent / f".{job_id}.fetched"
        shutil.rmtree(fetched, ignore_errors=True)
        if self._progress.fetch(found[-1], fetched):
            fetched.rename(parent / f"{job_id}-{token}")
        shutil.rmtree(fetched, ignore_errors=True)

    async def going_on(self, job_id: str, token: int, folder: Path) -> None:
        """Save what changes until cancelled."""
        if self._progress is None:
            return
        before = await asyncio.to_thread(_files_in, folder)
        # One that was begun again under the same lease goes on counting: the newest is the last by name.
        number = await asyncio.to_thread(_next_number, self._progress, job_id, token)
        while True:
            await asyncio.sleep(_EVERY_S)
            files = await asyncio.to_thread(_files_in, folder)
            if files and files != before:
                name = f"{token:08d}-{number:08d}"
                number += 1  # whatever comes of it: what is left of one that failed is older than the next
                if await asyncio.to_thread(self._save, self._progress, job_id, name, folder, files):
                    before = files

    def forget(self, job_id: str) -> None:
        """The training is over and done."""
        if self._progress is not None:
            self._progress.forget(self._progress.found(job_id))

    def sweep(self, is_over: Callable[[str], bool]) -> None:
        """Forget trainings that are over, now and again."""
        if self._progress is not None:
            self._progress.sweep(is_over)

    def _save(self, progress: StoredProgress, job_id: str, name: str, folder: Path, files: Files) -> bool:
        if not progress.save(job_id, name, folder, sorted(files)):
            return False
        saved, is_whole = progress.found(job_id), _files_in(folder) == files
        # Nobody shall go on from files that were never there together.
        progress.forget(saved[:-1] if is_whole else [one for one in saved if one.name == name])
        return is_whole


def _token_of(saved: Saved) -> int:
    return int(saved.name.partition("-")[0])


def _next_number(progress: StoredProgress, job_id: str, token: int) -> int:
    """The one behind those that were saved under this token."""
    numbers = [
        int(saved.name.partition("-")[2]) for saved in progress.found(job_id) if _token_of(saved) == token
    ]
    return max(numbers, default=-1) + 1


def _files_in(folder: Path) -> Files:
    """What is there, with sizes and times."""
    found: Files = {}
    for path in below(folder):
        with contextlib.suppress(OSError):  # it was there a moment ago
            facts = path.stat()
            if path.is_file():
                found[path] = (facts.st_size, facts.st_mtime_ns)
    return found
