"""One training process, from its start to its end, as its worker sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Self

import msgspec
import psutil

from frontdesk.desk.job import Progress
from frontdesk.desk.training import Points, Told
from frontdesk.host.child import Pipe
from frontdesk.host.framing import FrameReader
from frontdesk.run.train_messages import (
    CANCEL,
    FromTraining,
    Progressed,
    Reported,
    Stumbled,
    Trained,
    TrainSpec,
)

_LOG_AT_ONCE_BYTES = 2**15
_LAST_WORDS_S = 0.5
_LAST_LINES = 20
_LAST_LINES_BYTES = 4000

_decoder: msgspec.msgpack.Decoder[FromTraining] = msgspec.msgpack.Decoder(
    Reported | Progressed | Trained | Stumbled
)


class TrainChild:
    """A process that trains, or did. What it says is kept until `take` is called."""

    def __init__(self, process: asyncio.subprocess.Process, control_fd: int) -> None:
        self._process, self._control_fd = process, control_fd
        self._frames = FrameReader()
        self._points: list[Points] = []
        self._progress: Progress | None = None
        self._log = PrintedLog()
        self._pipes: list[Pipe] = []
        self.verdict: Trained | Stumbled | None = None
        self.cause = ""

    @classmethod
    async def start(cls, spec: TrainSpec) -> Self:
        """Start it."""
        control_out, control_in = os.pipe()
        report_out, report_in = os.pipe()
        print_out, print_in = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "frontdesk.run.train_process", str(report_in),
                stdin=control_out, stdout=print_in, stderr=print_in, pass_fds=(report_in,),
                start_new_session=True,
            )  # fmt: skip
        finally:
            for fd in (control_out, report_in, print_in):
                os.close(fd)
        child = cls(process, control_in)
        child._pipes = [
            await Pipe.open(report_out, child._hear),
            await Pipe.open(print_out, child._log.write),
        ]
        child._tell(msgspec.json.encode(spec) + b"\n")
        return child

    def cancel(self) -> None:
        """Say that nobody wants the result any more."""
        self._tell(CANCEL)

    def kill(self, cause: str) -> None:
        """End it for a reason that its owner shall read."""
        self.cause = self.cause or cause
        self.end()

    def end(self) -> None:
        """End it, and every process it started, now."""
        self._kill_group()

    async def ended(self) -> int:
        """Wait for its end, and for what it said last; give its exit code, negative for a signal."""
        code = await self._process.wait()
        self._kill_group()  # what it started must not outlive it
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                for pipe in self._pipes:
                    await pipe.ended.wait()
        for pipe in self._pipes:
            pipe.close()
        if self._control_fd >= 0:
            os.close(self._control_fd)
            self._control_fd = -1
        return code

    def take(self) -> Told:
        """What it said since the last time."""
        points, self._points = tuple(self._points), []
        progress, self._progress = self._progress, None
        return Told(points=points, progress=progress, log=self._log.take())

    def put_back(self, told: Told) -> None:
        """It could not be written down; the log of it is not kept."""
        self._points = [*told.points, *self._points]
        self._progress = self._progress or told.progress

    def last_lines(self) -> str:
        """The end of what it printed, for whoever wonders why it failed."""
        return self._log.last_lines()

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
            process = psutil.Process(self._process.pid)
            for one in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += of(one)
        return total

    def _hear(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            message = _decoder.decode(frame)
            match message:
                case Reported(points):
                    self._points += points
                case Progressed(done, total, text):
                    self._progress = Progress(done=done, total=total, message=text)
                case Trained() | Stumbled():
                    self.verdict = message

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _tell(self, line: bytes) -> None:
        if self._control_fd >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._control_fd, line)


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
