"""A training's process, as its worker has it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.run import train_child
from frontdesk.run.checkpoint_backup import _files_in
from frontdesk.run.train_child import TrainChild
from frontdesk.run.train_messages import Trained, TrainSpec

STAYS = """
import threading

import frontdesk as fd


class Model(fd.Model):
    task = "stays"

    def train(self, run: fd.Run) -> fd.Metrics:
        (run.folder / "weights").write_bytes(bytes(3 << 20))
        threading.Thread(target=threading.Event().wait).start()
        return {"accuracy": 1.0}

    def predict(self, x: float) -> float:
        return x
"""


def test_a_thread_that_it_left_behind_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_child, "_LEAVING_S", 0.3)
    (tmp_path / "stays.py").write_text(STAYS)
    folders = {name: str(tmp_path / name) for name in ("folder", "checkpoints", "spool", "models_folder")}
    for folder in folders.values():
        Path(folder).mkdir()

    async def train() -> TrainChild:
        spec = TrainSpec(
            source=str(tmp_path / "stays.py"), task="stays", model="model", parameters={}, seed=1, **folders
        )
        child = await TrainChild.start(spec)
        async with asyncio.timeout(50):
            await child.ended()
        return child

    child = asyncio.run(train())
    assert isinstance(child.verdict, Trained), child.last_lines()
    assert child.verdict.metrics == {"accuracy": 1.0}
    assert child.wrote_mb() == 3


@contextlib.contextmanager
def rotating(checkpoints: Path) -> Iterator[None]:
    """Checkpoints in folders, of which the older ones go, while the block lasts."""
    over = threading.Event()

    def rotate() -> None:
        while not over.is_set():
            for step in range(20):
                (checkpoints / f"step-{step}" / "shards").mkdir(parents=True, exist_ok=True)
            for step in range(20):
                shutil.rmtree(checkpoints / f"step-{step}")

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_checkpoints_that_go_while_they_are_looked_at_end_no_watch_over_it(tmp_path: Path) -> None:
    spec = TrainSpec(
        source="", task="t", model="m", parameters={}, seed=1, folder=str(tmp_path / "folder"),
        checkpoints=str(tmp_path), spool="", models_folder="",
    )  # fmt: skip
    child = TrainChild(spec)
    with rotating(tmp_path):
        for _ in range(300):
            assert child.wrote_mb() == 0
            assert _files_in(tmp_path) == {}
