"""Where a training works: folders of its own, which go with it, and checkpoints, which stay until it is done."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from frontdesk.desk.job import JobState, Lease
from frontdesk.desk.queue import Desk
from frontdesk.desk.training import TrainPayload
from frontdesk.errors import NotFound, StoreUnavailable
from frontdesk.run.checkpoint_backup import CheckpointBackup
from frontdesk.run.chronicle import recover
from frontdesk.run.fencing import job_folders, take_over
from frontdesk.run.spool import alone, hold
from frontdesk.store.files import FileStore

_COPY_BYTES = 2**20
_DYING_S, _LOOK_AGAIN_S = 3.0, 0.05
_FOLDER = re.compile(r"train-(?P<job>.{36})-(?P<token>\d+)-(?P<attempt>\d+)")


@dataclass(frozen=True, slots=True)
class TrainBench:
    """The folders of one training: `version` becomes the version, `checkpoints` outlives a worker, the rest goes.

    `spool` has what it reports. `held` says that somebody uses it, for as long as the worker or the training lives.
    """

    folder: Path
    version: Path
    checkpoints: Path
    spool: Path
    data: Path | None
    held: int


class TrainBenches:
    """Sets benches up, and clears away what killed workers left."""

    def __init__(
        self,
        desk: Desk,
        files: FileStore,
        data_folder: Path,
        backup: CheckpointBackup,
        *,
        elsewhere: bool = False,
    ) -> None:
        self._desk, self._files, self._backup, self._elsewhere = desk, files, backup, elsewhere
        self._staging, self._checkpoints = data_folder / "staging", data_folder / "checkpoints"

    def set_up(self, lease: Lease, payload: TrainPayload) -> TrainBench:
        """A bench with a copy of the data, so that nothing the training does touches what was uploaded.

        For one that works elsewhere there is only what it reports: it fetches the rest itself.
        """
        self._clear_checkpoints()
        job = lease.job
        for earlier in self._staging.glob(f"train-{job.id}-*"):
            self._clear(earlier, _DYING_S)  # its training may be at its last breath, and use the checkpoints
        if not self._elsewhere:
            self._backup.restore(self._checkpoints, job.id)
        folder = self._staging / f"train-{job.id}-{lease.token}-{job.attempts}"
        version, checkpoints, spool = (
            folder / "version",
            take_over(self._checkpoints, job.id, lease.token),
            folder / "spool",
        )
        for path in (spool, version):
            path.mkdir(parents=True, exist_ok=True)
        data = None
        if payload.data is not None and not self._elsewhere:
            stored = self._files.get(payload.data)
            data = copied(self._files.open(stored.id), folder / "data", stored.name)
        return TrainBench(folder, version, checkpoints, spool, data, hold(spool))

    def put_away(self, bench: TrainBench) -> None:
        """Clear a bench that is used no more; what cannot be written down yet waits there for a sweep."""
        os.close(bench.held)
        self._clear(bench.folder, _DYING_S, is_ours=True)

    def sweep(self) -> None:
        """What killed workers left: points go to the desk, and then the folders go."""
        for folder in self._staging.glob("train-*"):
            self._clear(folder)

    def _clear(self, folder: Path, wait_s: float = 0.0, *, is_ours: bool = False) -> None:
        """Clear a bench that nobody uses, and nobody will; wait for a while for one who does."""
        if (of := _FOLDER.fullmatch(folder.name)) is None:
            return
        job_id, token = of["job"], int(of["token"])
        end = time.monotonic() + wait_s
        while True:
            with (
                contextlib.suppress(FileNotFoundError, StoreUnavailable),
                alone(folder / "spool") as is_alone,
            ):
                if is_alone:
                    if is_ours or not self._desk.transcripts.is_held(job_id, token):
                        self._remove(folder, job_id, token, int(of["attempt"]))
                    return
            if time.monotonic() >= end:
                return
            time.sleep(_LOOK_AGAIN_S)

    def _remove(self, folder: Path, job_id: str, token: int, attempt: int) -> None:
        is_gone = self.state(job_id) is None
        if is_gone or recover(self._desk, job_id, token, attempt, folder / "spool"):
            shutil.rmtree(folder, ignore_errors=True)

    def state(self, job_id: str) -> JobState | None:
        """The state of a job, None where there is none of that id."""
        try:
            return self._desk.get(job_id, None).state
        except NotFound:
            return None

    def _clear_checkpoints(self) -> None:
        """Checkpoints of jobs that need them no more."""
        for job_id, folder in job_folders(self._checkpoints):
            if self._is_done(job_id):
                shutil.rmtree(folder, ignore_errors=True)
        self._backup.sweep(self._is_done)

    def _is_done(self, job_id: str) -> bool:
        return self.state(job_id) in (None, JobState.SUCCEEDED)


def copied(content: IO[bytes], folder: Path, name: str) -> Path:
    """A data set that a training may do with as it likes, under the name it was uploaded with."""
    folder.mkdir()
    copy = folder / (Path(name).name or "data")
    with content, copy.open("wb") as target:
        shutil.copyfileobj(content, target, _COPY_BYTES)
    return copy
