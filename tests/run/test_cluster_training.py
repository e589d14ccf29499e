"""A training on a cluster as its worker sees it, whatever the cluster says and whoever does not listen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from frontdesk.declare.resources import Resources
from frontdesk.desk.training import Points, Told
from frontdesk.errors import HostCrashed
from frontdesk.run import train as train_module
from frontdesk.run.cluster.messages import Step, TrainNews, TrainOrder, encode
from frontdesk.run.cluster.train import ClusterTraining
from frontdesk.run.spool import SEGMENT_BYTES, SpoolWriter, alone
from frontdesk.run.train import Trainer
from frontdesk.run.train_limits import TrainLimits, machine_memory_bytes
from frontdesk.run.train_messages import TrainSpec

MANY = Points(("loss",), [[1.0, float(step)] for step in range(50_000)])


def news(
    *points: Points,
    log: bytes = b"",
    code: int | None = None,
    memory_bytes: int = 0,
    machine_bytes: int = 2**30,
) -> TrainNews:
    told = Told(points=points, log=log)
    return TrainNews(
        told=told, memory_bytes=memory_bytes, machine_bytes=machine_bytes, wrote_mb=0, placed=None, verdict=None,
        code=code, last_lines="",
    )  # fmt: skip


class Line:
    """Starts whatever is ordered, and says of it what it was made to."""

    def __init__(self, says: Callable[[int], TrainNews]) -> None:
        self._says, self._begun = says, 0
        self.heard: list[tuple[str, int]] = []

    async def order(self, verb: str, body: msgspec.Struct) -> bytes:
        if verb == "train":
            self._begun += 1
            return encode(Step(self._begun))
        number = int(body.number)  # type: ignore[attr-defined]
        if verb == "watch":
            await asyncio.sleep(0)
            return encode(self._says(number))
        self.heard.append((verb, number))
        return b""


async def training(line: Line, folder: Path) -> ClusterTraining:
    for name in ("spool", "version"):
        (folder / name).mkdir(parents=True)
    paths: dict[str, Any] = {"folder": str(folder / "version"), "spool": str(folder / "spool")}
    spec = TrainSpec(
        source="", task="t", model="m", parameters={}, seed=1, checkpoints="", models_folder="", **paths
    )
    order = TrainOrder(spec=spec, resources=Resources(1.0))
    writer = await asyncio.to_thread(SpoolWriter, folder / "spool")
    return ClusterTraining(line, order, folder / "version", writer)  # type: ignore[arg-type]


def test_one_whose_points_nobody_reads_holds_up_nobody_when_it_is_ended(tmp_path: Path) -> None:
    spool, had_to_let_go = tmp_path / "spool", threading.Event()

    def let_go() -> None:
        had_to_let_go.set()
        for segment in spool.iterdir():
            segment.unlink()

    async def end_it() -> None:
        child = await training(Line(lambda number: news(MANY)), tmp_path)
        while len(list(spool.iterdir())) < 8 or child._spool._at < SEGMENT_BYTES - 40:  # noqa: ASYNC110  (a thread)
            await asyncio.sleep(0.02)
        last = threading.Timer(30, let_go)
        last.start()
        child.end()
        is_alone = False
        while not is_alone:
            await asyncio.sleep(0.05)
            with alone(spool) as is_alone:
                pass
        last.cancel()

    asyncio.run(end_it())
    assert not had_to_let_go.is_set()


def test_what_it_prints_takes_no_more_memory_than_anybody_would_read(tmp_path: Path) -> None:
    said = iter([*(news(log=b"x" * 30_000) for _ in range(20)), news(log=b"the end", code=0)])

    async def listen_late() -> bytes:
        child = await training(Line(lambda number: next(said)), tmp_path)
        assert await child.ended() == 0
        return child.take().log

    log = asyncio.run(listen_late())
    assert log.endswith(b"the end")
    assert len(log) < 40_000


def test_a_node_that_was_lost_may_come_back_and_is_not_to_go_on_then(tmp_path: Path) -> None:
    def says(number: int) -> TrainNews:
        if number == 1:
            raise HostCrashed("The cluster lost what worked on this.")
        return news(code=0)

    async def lose_one() -> Line:
        line = Line(says)
        child = await training(line, tmp_path)
        assert await child.ended() == 0
        return line

    assert asyncio.run(lose_one()).heard == [("end training", 1)]


def test_it_may_use_what_its_node_has_and_not_what_its_worker_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_module, "_LOOK_EVERY_S", 0.02)
    here = machine_memory_bytes()
    trainer = Trainer.__new__(Trainer)
    trainer._limits = TrainLimits()

    async def watched(folder: Path, of_the_node: float) -> str:
        line = Line(lambda number: news(memory_bytes=2 * here, machine_bytes=int(of_the_node * here)))
        child = await training(line, folder)
        watching = asyncio.create_task(trainer._watch(child))
        await asyncio.wait([watching], timeout=1)
        watching.cancel()
        child.end()
        return child.cause

    assert asyncio.run(watched(tmp_path / "large", 4)) == ""
    assert "more than the" in asyncio.run(watched(tmp_path / "small", 1.5))
