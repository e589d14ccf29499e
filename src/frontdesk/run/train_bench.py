"""Where a training works: folders of its own, which go with it, and checkpoints, which stay until it is done."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from frontdesk.desk.job import JobState, Lease
from frontdesk.desk.queue import Desk
from frontdesk.desk.training import TrainPayload
from frontdesk.errors import NotFound
from frontdesk.store.files import FileStore

_COPY_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class TrainBench:
    """The folders of one training: `version` becomes the version, `checkpoints` outlives a worker, the rest goes."""

    folder: Path
    version: Path
    checkpoints: Path
    data: Path | None

    def size_mb(self) -> int:
        """What the training has written."""
        total = 0
        for folder in (self.version, self.checkpoints):
            for path in folder.rglob("*"):
                with contextlib.suppress(OSError):  # it was there a moment ago
                    total += path.lstat().st_size
        return total >> 20


class TrainBenches:
    """Sets benches up, and clears away what killed workers left."""

    def __init__(self, desk: Desk, files: FileStore, data_folder: Path) -> None:
        self._desk, self._files = desk, files
        self._staging, self._checkpoints = data_folder / "staging", data_folder / "checkpoints"

    def set_up(self, lease: Lease, payload: TrainPayload) -> TrainBench:
        """A bench with a copy of the data, so that nothing the training does touches what was uploaded."""
        self._remove_left_behind()
        job = lease.job
        folder = self._staging / f"train-{job.id}-{lease.token}"
        version, checkpoints = folder / "version", self._checkpoints / job.id
        for path in (version, checkpoints):
            path.mkdir(parents=True, exist_ok=True)
        if payload.data is None:
            return TrainBench(folder, version, checkpoints, None)
        stored = self._files.get(payload.data)
        copy = folder / "data" / (Path(stored.name).name or "data")
        copy.parent.mkdir()
        with self._files.open(payload.data) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, _COPY_BYTES)
        return TrainBench(folder, version, checkpoints, copy)

    def state(self, job_id: str) -> JobState | None:
        """The state of a job, None where there is none of that id."""
        try:
            return self._desk.get(job_id, None).state
        except NotFound:
            return None

    def _remove_left_behind(self) -> None:
        """Folders of trainings whose worker was killed, and checkpoints of jobs that need them no more."""
        for folder in self._staging.glob("train-*"):
            job_id = folder.name.removeprefix("train-").rpartition("-")[0]
            if self.state(job_id) is not JobState.RUNNING:
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self._checkpoints.glob("*"):
            if self.state(folder.name) in (None, JobState.SUCCEEDED):
                shutil.rmtree(folder, ignore_errors=True)
