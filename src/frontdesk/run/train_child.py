"""One training process, from its start to its end, as its worker sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, Self

import msgspec
import psutil

from frontdesk.catalog.version import Placed
from frontdesk.declare.signature import ModelCard
from frontdesk.desk.job import Progress
from frontdesk.desk.training import Told
from frontdesk.host.framing import FrameReader
from frontdesk.host.group import ProcessGroup
from frontdesk.run.train_limits import machine_memory_bytes
from frontdesk.run.train_messages import (
    ALIVE,
    CANCEL,
    FromTraining,
    Progressed,
    Stumbled,
    Trained,
    TrainSpec,
)
from frontdesk.store.folders import below

_LOG_AT_ONCE_BYTES = 2**15
_LAST_LINES = 20
_REASSURE_EVERY_S = 1.0
_LEAVING_S = 10.0
_LAST_LINES_BYTES = 4000

_decoder: msgspec.msgpack.Decoder[FromTraining] = msgspec.msgpack.Decoder(Progressed | Trained | Stumbled)


class Training(Protocol):
    """A training that runs, or did; see `TrainChild`."""

    verdict: Trained | Stumbled | None
    cause: str
    was_left_alone: bool
    """Whether its worker may have been silent for so long that it ended itself."""
    placed: Placed | None
    """What it learned, where it has been put in place already."""
    machine_bytes: int
    """The memory of the machine that it runs on."""

    def cancel(self) -> None: ...
    def kill(self, cause: str) -> None: ...
    def end(self) -> None: ...
    async def ended(self) -> int: ...
    def take(self) -> Told: ...
    def last_lines(self) -> str: ...
    def memory_bytes(self, limit: int) -> int: ...
    def wrote_mb(self) -> int: ...
    def seconds(self) -> float: ...


class TrainChild:
    """A process that trains, or did. What it says is kept until `take` is called."""

    _group: ProcessGroup
    _reassuring: asyncio.Task[None]

    placed: Placed | None = None

    def __init__(self, spec: TrainSpec) -> None:
        self._silence_s = spec.silence_s
        self._folders = Path(spec.folder), Path(spec.checkpoints)
        self._frames = FrameReader()
        self._progress: Progress | None = None
        self._log = PrintedLog()
        self.verdict: Trained | Stumbled | None = None
        self.cause = ""
        self.was_left_alone = False
        self.machine_bytes = machine_memory_bytes()
        self._began = time.monotonic()
        self._leaving: asyncio.TimerHandle | None = None

    @classmethod
    async def start(cls, spec: TrainSpec) -> Self:
        """Start it."""
        child = cls(spec)
        child._group = await ProcessGroup.start(
            "frontdesk.run.train_process", msgspec.json.encode(spec),
            reported=child._hear, printed=child._log.write,
        )  # fmt: skip
        child._reassuring = asyncio.create_task(child._reassure())
        return child

    async def _reassure(self) -> None:
        """Say every second that its worker is there."""
        said_at = time.monotonic()
        while True:
            if time.monotonic() - said_at > self._silence_s:
                self.was_left_alone = True
            said_at = time.monotonic()
            self._group.tell(ALIVE)
            await asyncio.sleep(min(_REASSURE_EVERY_S, self._silence_s / 4))

    def cancel(self) -> None:
        """Say that nobody wants the result any more."""
        self._group.tell(CANCEL)

    def kill(self, cause: str) -> None:
        """End it for a reason that its owner shall read."""
        self.cause = self.cause or cause
        self._group.kill()

    def end(self) -> None:
        """End it, and every process it started, now."""
        self._reassuring.cancel()
        self._group.kill()

    async def ended(self) -> int:
        """Wait for its end, and for what it said last; give its exit code, negative for a signal."""
        code = await self._group.ended()
        self._reassuring.cancel()
        if self._leaving is not None:
            self._leaving.cancel()
        return code

    def take(self) -> Told:
        """What it said since the last time; points are in its spool."""
        progress, self._progress = self._progress, None
        return Told(progress=progress, log=self._log.take())

    def last_lines(self) -> str:
        """The end of what it printed, for whoever wonders why it failed."""
        return self._log.last_lines()

    def wrote_mb(self) -> int:
        """What it has in its folders."""
        total = 0
        for folder in self._folders:
            for path in below(folder):
                with contextlib.suppress(OSError):  # it was there a moment ago
                    total += path.lstat().st_size
        return total >> 20

    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    def memory_bytes(self, limit: int) -> int:
        """What it and the processes it started have in memory. What they share counts once, where it is looked for:
        that takes long, and is only done when it may be more than the limit."""
        total = self._memory_bytes(lambda process: int(process.memory_info().rss))
        if total > limit and psutil.LINUX:
            total = self._memory_bytes(lambda process: int(process.memory_full_info().pss))
        return total

    def _memory_bytes(self, of: Callable[[psutil.Process], int]) -> int:
        total = 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._group.pid)
            for one in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += of(one)
        return total

    def _hear(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            message = _decoder.decode(frame)
            match message:
                case Progressed(done, total, text):
                    self._progress = Progress(done=done, total=total, message=text)
                case Trained() | Stumbled():
                    self.verdict = message
                    # It has said all; threads that it left behind are not waited for.
                    self._leaving = asyncio.get_running_loop().call_later(_LEAVING_S, self._group.kill)


StartTraining = Callable[[TrainSpec, ModelCard], Awaitable[Training]]
"""Starts a training somewhere."""


async def start_here(spec: TrainSpec, model: ModelCard) -> Training:
    """In a process beside this one."""
    return await TrainChild.start(spec)


class PrintedLog:
    """What is printed, as much of it as anybody would read: of what comes at once only the end is kept."""

    def __init__(self) -> None:
        self._new = bytearray()
        self._last = bytearray()
        self._left_out = 0

    def write(self, data: bytes) -> None:
        """Add what was printed."""
        self._new += data
        if (excess := len(self._new) - _LOG_AT_ONCE_BYTES) > 0:
            self._left_out += excess
            del self._new[:excess]

    def take(self) -> bytes:
        """What came since the last time, and how much of that was left out."""
        taken, self._new = bytes(self._new), bytearray()
        if self._left_out:
            taken = (
                b"\n[frontdesk] %d bytes were printed faster than they are kept\n" % self._left_out + taken
            )
            self._left_out = 0
        self._last = (self._last + taken)[-_LAST_LINES_BYTES:]
        return taken

    def last_lines(self) -> str:
        """The last lines of all."""
        text = bytes(self._last + self._new)[-_LAST_LINES_BYTES:].decode(errors="replace")
        return "\n".join(text.strip().splitlines()[-_LAST_LINES:])
