"""On a node that shares no folder with its worker: where a training works, and how what it learns gets out of there."""

from __future__ import annotations

import shutil

import msgspec

from frontdesk.catalog.artifacts import artifacts_in
from frontdesk.catalog.version import Placed, placed_in
from frontdesk.run.checkpoint_backup import CheckpointBackup
from frontdesk.run.cluster.node import own_folder
from frontdesk.run.cluster.shared import SharedStorage, home
from frontdesk.run.fencing import take_over
from frontdesk.run.stored_progress import progress_in
from frontdesk.run.train_bench import copied
from frontdesk.run.train_messages import TrainSpec
from frontdesk.store.files import key_of
from frontdesk.store.verified import Kept


class NodeBench:
    """Folders of one training, with its data and the checkpoints that were saved. `spec` is that of its worker, with
    these paths."""

    def __init__(self, spec: TrainSpec, shared: SharedStorage) -> None:
        """Raises NotFound, FileDamaged, StoreUnavailable, LeaseLost, ModelBroken, OSError."""
        self._storage = shared.open()
        self._backup = CheckpointBackup(progress_in(self._storage.checkpoints))
        self._folder = own_folder(home() / "trainings")
        checkpoints, version = self._folder / "checkpoints", self._folder / "version"
        self._backup.restore(checkpoints, spec.job)
        self._checkpoints, self._version = take_over(checkpoints, spec.job, spec.token), version
        version.mkdir()
        data = self._data(spec) if spec.data_file else ""
        self.spec = msgspec.structs.replace(
            spec, folder=str(version), checkpoints=str(self._checkpoints), data=data
        )

    async def going_on(self) -> None:
        """Save checkpoints until cancelled."""
        await self._backup.going_on(self.spec.job, self.spec.token, self._checkpoints)

    def place(self) -> Placed:
        """Put what was learned into the bucket. Raises StoreUnavailable, OSError."""
        artifacts = artifacts_in(home() / "versions", self._storage.versions, self._storage.cache)
        return placed_in(artifacts, self.spec.task, self.spec.model, self._version)

    def put_away(self) -> None:
        """Clear it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _data(self, spec: TrainSpec) -> str:
        expected = Kept(size_bytes=spec.data_bytes, sha256=spec.data_sha256)
        content = self._storage.files.open(key_of(spec.data_file), expected, spec.data_name)
        return str(copied(content, self._folder / "data", spec.data_name))
