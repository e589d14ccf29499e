"""Checkpoints saved for other machines: what lay there at one moment, or nothing."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from frontdesk.errors import StoreUnavailable
from frontdesk.run import checkpoint_backup
from frontdesk.run.checkpoint_backup import CheckpointBackup
from frontdesk.run.stored_progress import StoredProgress
from frontdesk.store.blobs import ORPHAN_AFTER_S, FolderBlobs, Label
from frontdesk.store.verified import Kept
from support.desks import open_office

JOB = "0" * 36


class Busy(FolderBlobs):
    """Storage that is filled while the training writes on, as many times as said."""

    def __init__(self, folder: Path, written: Path, times: int) -> None:
        super().__init__(folder)
        self._written, self._times = written, times
        self.there: list[int] = []
        """How many archives there were before each."""

    def put(self, key: str, chunks: Iterable[bytes], label: Label) -> Kept:
        self.there.append(sum(len(keys) for keys in self.old("", -60)))
        kept = super().put(key, chunks, label)
        if len(self.there) <= self._times:
            self._written.write_text("x" * (20 - len(self.there)))
        return kept


def test_what_changed_while_it_was_saved_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_backup, "_EVERY_S", 0.02)
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    blobs = Busy(tmp_path / "blobs", checkpoints / "optimizer", times=3)
    progress = StoredProgress(blobs)

    async def train() -> None:
        with open_office(tmp_path / "office") as office:
            office.submit()
            lease = office.take()
            saving = asyncio.create_task(
                CheckpointBackup(progress).going_on(lease.job.id, lease.token, checkpoints)
            )
            await asyncio.sleep(0.05)
            (checkpoints / "weights").write_text("w")
            async with asyncio.timeout(20):
                while len(blobs.there) < 4 or len(progress.found(lease.job.id)) != 1:  # noqa: ASYNC110  (a folder)
                    await asyncio.sleep(0.02)
            saving.cancel()
            await asyncio.wait({saving})
            (kept,) = progress.found(lease.job.id)
            assert progress.fetch(kept, tmp_path / "fetched")

    asyncio.run(train())
    assert blobs.there == [0, 0, 0, 0]
    found = {path.name: path.read_text() for path in (tmp_path / "fetched").iterdir()}
    assert found == {"weights": "w", "optimizer": "x" * 17}


class Hiccup(FolderBlobs):
    """Storage that cannot be looked through for a moment, just when what it was given changed meanwhile."""

    def __init__(self, folder: Path, weights: Path) -> None:
        super().__init__(folder)
        self._weights, self.puts, self._is_away = weights, 0, False

    def put(self, key: str, chunks: Iterable[bytes], label: Label) -> Kept:
        kept, self.puts = super().put(key, chunks, label), self.puts + 1
        if self.puts == 1:
            self._weights.write_bytes(b"new")
            self._is_away = True
        return kept

    def old(self, prefix: str, older_than_s: float) -> Iterator[list[str]]:
        if self._is_away:
            self._is_away = False
            raise StoreUnavailable("The storage does not answer.")
        yield from super().old(prefix, older_than_s)


def test_what_could_not_be_taken_back_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_backup, "_EVERY_S", 0.02)
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    blobs = Hiccup(tmp_path / "blobs", checkpoints / "weights")
    progress = StoredProgress(blobs)

    async def train() -> None:
        saving = asyncio.create_task(CheckpointBackup(progress).going_on(JOB, 1, checkpoints))
        await asyncio.sleep(0.1)
        (checkpoints / "weights").write_bytes(bytes(2**21))
        async with asyncio.timeout(20):
            while blobs.puts < 2 or len(progress.found(JOB)) != 1:  # noqa: ASYNC110  (a folder)
                await asyncio.sleep(0.02)
        saving.cancel()
        await asyncio.wait({saving})

    asyncio.run(train())
    (kept,) = progress.found(JOB)
    assert progress.fetch(kept, tmp_path / "fetched")
    assert (tmp_path / "fetched" / "weights").read_bytes() == b"new"


def test_what_killed_workers_had_half_saved_goes_once_it_is_old(tmp_path: Path) -> None:
    drafts = [tmp_path / "job" / name for name in ("old.part", "new.part")]
    drafts[0].parent.mkdir()
    for draft in drafts:
        draft.write_bytes(b"half")
    os.utime(drafts[0], (time.time() - ORPHAN_AFTER_S - 60,) * 2)
    CheckpointBackup(StoredProgress(FolderBlobs(tmp_path))).sweep(lambda job_id: False)
    assert [draft.exists() for draft in drafts] == [False, True]
