"""One host process, from its start to its end, as its supervisor sees it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

import msgspec

from frontdesk.host.logs import HostLog
from frontdesk.host.messages import HostReport, HostSpec

_LAST_WORDS_S = 0.5
"""How long the pipes of a dead process are read on: a process of the model's own may hold them open."""


class HostChild:
    """A process that is running, or was."""

    def __init__(self, process: asyncio.subprocess.Process, control_fd: int, pipes: list[Pipe]) -> None:
        self._process, self._control_fd, self._pipes = process, control_fd, pipes
        self.pid = process.pid

    @classmethod
    async def start(cls, spec: HostSpec, log: HostLog, heard: Callable[[HostReport], None]) -> HostChild:
        """Start it. `heard` gets each of its reports, `log` all that it prints."""
        control_out, control_in = os.pipe()
        report_out, report_in = os.pipe()
        print_out, print_in = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "frontdesk.host.process", str(report_in),
                stdin=control_out, stdout=print_in, stderr=print_in, pass_fds=(report_in,),
                start_new_session=True,
            )  # fmt: skip
        finally:
            for fd in (control_out, report_in, print_in):
                os.close(fd)
        pipes = [await Pipe.open(report_out, _Lines(heard)), await Pipe.open(print_out, log.write)]
        child = cls(process, control_in, pipes)
        child._tell(msgspec.json.encode(spec))
        return child

    def drain(self) -> None:
        """Ask it to answer what it has, and then to end."""
        self._tell(b"drain")

    def kill(self) -> None:
        """End it, and every process it started, now."""
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

    def _tell(self, line: bytes) -> None:
        if self._control_fd >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._control_fd, line + b"\n")


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


class _Lines:
    """Cuts bytes into reports."""

    def __init__(self, heard: Callable[[HostReport], None]) -> None:
        self._heard, self._rest = heard, b""

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._heard(msgspec.json.decode(line, type=HostReport))


def how_it_ended(code: int) -> str:
    """An exit code as a sentence."""
    if code >= 0:
        return f"Its process ended itself with code {code}."
    name = signal.Signals(-code).name
    hint = {
        signal.SIGSEGV: " (it touched memory that is not its own: usually a fault in a native library)",
        signal.SIGKILL: " (by the system when memory is short, or by somebody)",
        signal.SIGILL: " (an instruction this processor does not have)",
    }.get(signal.Signals(-code), "")
    return f"Its process was ended by {name}{hint}."
