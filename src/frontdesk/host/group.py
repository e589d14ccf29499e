"""A process that runs an author's code, with all that it starts: orders go in, reports and prints come out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Self

_LAST_WORDS_S = 0.5
"""How long the pipes of a dead process are read on: a process that it started may hold them open."""


class ProcessGroup:
    """A process that is running, or was, and whatever it started."""

    def __init__(self, process: asyncio.subprocess.Process, control_fd: int) -> None:
        self._process, self._control_fd = process, control_fd
        self._pipes: list[Pipe] = []
        self.pid = process.pid

    @classmethod
    async def start(
        cls, module: str, order: bytes, *, reported: Callable[[bytes], None], printed: Callable[[bytes], None]
    ) -> Self:
        """Run `python -m module`, which is given the number of the pipe that its reports go to, and tell it `order`."""
        control_out, control_in = os.pipe()
        report_out, report_in = os.pipe()
        print_out, print_in = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, str(report_in),
                stdin=control_out, stdout=print_in, stderr=print_in, pass_fds=(report_in,),
                start_new_session=True,
            )  # fmt: skip
        except BaseException:
            for fd in (control_in, report_out, print_out):
                os.close(fd)
            raise
        finally:
            for fd in (control_out, report_in, print_in):
                os.close(fd)
        group = cls(process, control_in)
        opening = asyncio.gather(Pipe.open(report_out, reported), Pipe.open(print_out, printed))
        try:
            group._pipes = [*await asyncio.shield(opening)]
        except BaseException:  # nobody wants it any more
            group.kill()  # its pipes end with it
            os.close(control_in)
            raise
        group.tell(order)
        os.set_blocking(control_in, False)  # who has no time to hear must not hold up who says something
        return group

    def tell(self, order: bytes) -> None:
        """Give it a line; one that is gone hears nothing."""
        if self._control_fd >= 0:
            with contextlib.suppress(BrokenPipeError, BlockingIOError):
                os.write(self._control_fd, order + b"\n")

    def kill(self) -> None:
        """End all of it, now."""
        if self._process.returncode is None:
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

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class Pipe(asyncio.Protocol):
    """Gives what arrives on a pipe to a function."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self.ended = asyncio.Event()
        self._heard = heard

    @classmethod
    async def open(cls, fd: int, heard: Callable[[bytes], None]) -> Pipe:
        loop = asyncio.get_running_loop()
        _, pipe = await loop.connect_read_pipe(lambda: cls(heard), os.fdopen(fd, "rb", buffering=0))
        return pipe

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.close = transport.close

    def data_received(self, data: bytes) -> None:
        self._heard(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set()
