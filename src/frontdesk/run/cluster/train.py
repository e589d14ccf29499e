"""A training on the cluster, as its worker sees it."""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from frontdesk.catalog.version import Placed
from frontdesk.declare.signature import ModelCard
from frontdesk.desk.job import Progress
from frontdesk.desk.training import Points, Told
from frontdesk.errors import FrontdeskError, HostCrashed, HostUnreachable, StoreUnavailable
from frontdesk.run.cluster.line import ClusterLine
from frontdesk.run.cluster.messages import Kill, Step, TrainNews, TrainOrder, Watch
from frontdesk.run.cluster.shared import SharedStorage
from frontdesk.run.spool import SpoolWriter
from frontdesk.run.train_child import PrintedLog, StartTraining, Training
from frontdesk.run.train_messages import Stumbled, Trained, TrainSpec

_LOSSES = 3
_NEVER_BEGAN = -1
_NOT_KNOWN_YET = 2**62

_step = msgspec.msgpack.Decoder(Step)
_news = msgspec.msgpack.Decoder(TrainNews)


class ClusterTraining:
    """Stands for a `TrainChild`. A node that is lost costs what was not in a checkpoint: it begins again elsewhere."""

    def __init__(self, line: ClusterLine, order: TrainOrder, folder: Path, spool: SpoolWriter) -> None:
        self._line, self._order, self._folder, self._spool = line, order, folder, spool
        self._progress: Progress | None = None
        self._log, self._last_lines = PrintedLog(), ""
        self._step: Step | None = None
        self._memory_bytes = self._memory_limit = self._wrote_mb = 0
        self._began: float | None = None
        self._errands: set[asyncio.Task[bytes]] = set()
        self.verdict: Trained | Stumbled | None = None
        self.cause = ""
        self.was_left_alone = False
        self.placed: Placed | None = None
        self.machine_bytes = _NOT_KNOWN_YET
        self._loop = asyncio.get_running_loop()
        self._running = asyncio.create_task(self._run())

    def cancel(self) -> None:
        """Say that nobody wants the result any more."""
        if self._step is not None:
            self._send("cancel", self._step)

    def kill(self, cause: str) -> None:
        """End it for a reason that its owner shall read."""
        self.cause = self.cause or cause
        if self._step is not None:
            self._send("kill", Kill(self._step.number, cause))

    def end(self) -> None:
        """End it now, whatever it does."""
        self._running.cancel()
        if self._step is not None:
            self._send("end training", self._step)

    async def ended(self) -> int:
        """Wait for its end; give its exit code. Raises HostUnreachable when the cluster is gone."""
        return await asyncio.shield(self._running)

    def take(self) -> Told:
        """What it said since the last time; points are in the spool."""
        progress, self._progress = self._progress, None
        return Told(progress=progress, log=self._log.take())

    def last_lines(self) -> str:
        """The end of what it printed."""
        return self._last_lines

    def memory_bytes(self, limit: int) -> int:
        """What it had in memory when it was last heard of."""
        self._memory_limit = limit
        return self._memory_bytes

    def wrote_mb(self) -> int:
        """What it had in its folders when it was last heard of."""
        return self._wrote_mb

    def seconds(self) -> float:
        """How long it has been running; what it waited for room, or did on a node that was lost, is not in it."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    # ---------------------------------------------------------------------------------

    async def _run(self) -> int:
        try:
            return await self._persist()
        finally:
            # Not here: a thread may be at it, which waits for the reader, or for room on the disk.
            await asyncio.to_thread(self._spool.close)

    async def _persist(self) -> int:
        for _ in range(_LOSSES):
            try:
                return await self._attempt()
            except HostCrashed:
                if self._step is not None:  # a node that cannot be reached just now may still be at it
                    self._send("end training", self._step)
                self._step = self._began = None
                self._log.write(b"\n[frontdesk] the cluster lost the node it ran on; it begins again\n")
                await asyncio.to_thread(_empty, self._folder)
            except (HostUnreachable, StoreUnavailable):
                raise  # nothing is wrong with it
            except FrontdeskError as error:
                self.cause = str(error)
                return _NEVER_BEGAN
        self.cause = f"The cluster lost the node it ran on {_LOSSES} times."
        return -9

    async def _attempt(self) -> int:
        self._progress = Progress(
            done=0, total=0, message=f"waiting for room on the Ray cluster ({self._order.resources.told})"
        )
        step = self._step = _step.decode(await self._line.order("train", self._order))
        self._began = time.monotonic()
        while True:
            news = _news.decode(await self._line.order("watch", Watch(step.number, self._memory_limit)))
            await asyncio.to_thread(self._spool_points, news.told.points)
            self._progress = news.told.progress or self._progress
            self._log.write(news.told.log)
            self._memory_bytes, self._wrote_mb = news.memory_bytes, news.wrote_mb
            self.machine_bytes = news.machine_bytes
            if news.code is not None:
                # Not before: what it learned may be on its way to where it is kept.
                self.verdict, self.placed, self._last_lines = news.verdict, news.placed, news.last_lines
                return news.code

    def _spool_points(self, points: Iterable[Points]) -> None:
        for told in points:
            for moment, *values in told.rows:
                figures = [math.nan if value is None else value for value in values]
                self._spool.append(dict(zip(told.names, figures, strict=True)), moment or 0.0)

    def _send(self, verb: str, body: msgspec.Struct) -> None:
        errand = self._loop.create_task(self._line.order(verb, body))
        self._errands.add(errand)
        errand.add_done_callback(self._sent)

    def _sent(self, errand: asyncio.Task[bytes]) -> None:
        self._errands.discard(errand)
        if not errand.cancelled():
            errand.exception()  # what is gone needs no order any more


def starter(line: ClusterLine, shared: SharedStorage | None) -> StartTraining:
    """What starts trainings on the cluster, with what their models say they need."""

    async def start(spec: TrainSpec, model: ModelCard) -> Training:
        order = TrainOrder(spec=spec, resources=model.resources, shared=shared)
        spool = await asyncio.to_thread(SpoolWriter, Path(spec.spool))
        return ClusterTraining(line, order, Path(spec.folder), spool)

    return start


def _empty(folder: Path) -> None:
    """Remove what a lost training left where its version was to be."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
