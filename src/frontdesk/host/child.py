"""One host process, from its start to its end, as its supervisor sees it."""

from __future__ import annotations

import signal
from collections.abc import Callable

import msgspec

from frontdesk.host.group import ProcessGroup
from frontdesk.host.logs import HostLog
from frontdesk.host.messages import HostReport, HostSpec


class HostChild:
    """A process that is running, or was."""

    def __init__(self, group: ProcessGroup) -> None:
        self._group = group
        self.pid = group.pid

    @classmethod
    async def start(cls, spec: HostSpec, log: HostLog, heard: Callable[[HostReport], None]) -> HostChild:
        """Start it. `heard` gets each of its reports, `log` all that it prints."""
        return cls(
            await ProcessGroup.start(
                "frontdesk.host.process", msgspec.json.encode(spec), reported=_Lines(heard), printed=log.write
            )
        )

    def drain(self) -> None:
        """Ask it to answer what it has, and then to end."""
        self._group.tell(b"drain")

    def kill(self) -> None:
        """End it, and every process it started, now."""
        self._group.kill()

    async def ended(self) -> int:
        """Wait for its end, and for what it said last; give its exit code, negative for a signal."""
        return await self._group.ended()


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
