"""The processes a server is made of: started, watched, started again, stopped in order.

A child gets one JSON line on its standard input and then keeps that pipe: when it closes, the
parent is gone, however it died, and the child ends itself (`watch_parent`). So `kill -9` of the
server leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 5.0
_HEALTHY_AFTER_S = 1.0


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a child is told: `role` is web or worker, `settings` are its settings as plain values."""

    role: str
    name: str
    settings: dict[str, str | int | float]
    cards: str
    listen_fd: int = -1

    @property
    def note(self) -> Path:
        """The file a child makes when it is ready to work."""
        return Path(self.cards).with_name(f"{self.name}.up")


@dataclass(slots=True)
class Child:
    """One process and the loop that keeps it alive."""

    spec: ChildSpec
    on_death: Callable[[str], object] = str
    process: asyncio.subprocess.Process | None = None
    _ending: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    keeper: asyncio.Task[None] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, and again whenever it ends, more slowly each time it ends soon."""
        self.keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        pause_s = 0.1
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                if await self._live():
                    return
            except Exception:
                # No room for a process, or none on the disk to take its jobs back: the next try may find some.
                log.exception("%s could not be looked after", self.spec.name)
            pause_s = (
                0.1 if time.monotonic() - began > _HEALTHY_AFTER_S else min(pause_s * 2, _LONGEST_PAUSE_S)
            )
            await asyncio.sleep(pause_s)

    async def _live(self) -> bool:
        """One process, from start to end; True when that end was wished for."""
        self.process = await self._spawn()
        if self._ending.is_set():  # while it was being started; whoever stops it waits for it no more
            self.process.kill()
        code = await self.process.wait()
        if self._ending.is_set():
            return True
        log.warning("%s ended with code %s and is started again", self.spec.name, code)
        await asyncio.to_thread(self.on_death, self.spec.name)
        return False

    async def _spawn(self) -> asyncio.subprocess.Process:
        fds: Sequence[int] = (self.spec.listen_fd,) if self.spec.listen_fd >= 0 else ()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "frontdesk.cli.child",
            stdin=asyncio.subprocess.PIPE, pass_fds=fds, start_new_session=True,
            env={**os.environ, "FRONTDESK_ROLE": self.spec.name},  # so that `ps e` tells them apart
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(self.spec) + b"\n")
        return process

    async def stop(self, patience_s: float) -> None:
        """Ask it to end what it has in hand; end it by force after `patience_s` seconds."""
        self._ending.set()
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience_s):
                await self.process.wait()
        except TimeoutError:
            log.warning("%s did not end within %g s and is killed", self.spec.name, patience_s)
            self.process.kill()
            await self.process.wait()


def read_spec() -> ChildSpec:
    """In a child: what the parent wants of it."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            os._exit(1)
        line += piece
    return msgspec.json.decode(line, type=ChildSpec)


def watch_parent() -> None:
    """In a child: end at once when the parent is gone."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()
