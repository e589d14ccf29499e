"""Real `frontdesk worker` processes beside a real server."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.databases import DATABASES
from support.moments import elsewhen
from support.server import Server, until


class WorkerProcess:
    """One of them, with its log in the data folder."""

    def __init__(self, server: Server, mark: str, *options: str, clock: str = "") -> None:
        self._server, self.log = server, server.data / f"worker-{mark}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "frontdesk", "worker", *map(str, server.sources),
                    "--data", str(server.data), *options,
                ],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={
                    **os.environ, "FRONTDESK_MODELS": str(server.data / "models"),
                    "FRONTDESK_DATABASE": DATABASES.url_of(server.data), **server.environment,
                    **elsewhen(clock),
                },
            )  # fmt: skip
        try:
            until(lambda: self._words() or self.process.poll() is not None, 90, "a worker")
            assert self.process.poll() is None, self.log.read_text()
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise
        self.name = self._words()[0]

    def _words(self) -> list[str]:
        return re.findall(r"^worker (\S+) does", self.log.read_text(), re.MULTILINE)

    def row(self) -> dict[str, Any] | None:
        """What the server says of it."""
        items = self._server.http.get("/api/workers").json()["items"]
        return next((item for item in items if item["name"] == self.name), None)

    def holds(self) -> list[str]:
        """The ids of the jobs it has in hand."""
        row = self.row()
        return [job["id"] for job in row["jobs"]] if row else []

    def freeze(self) -> None:
        """SIGSTOP: for it, time stands still. Not while it writes, which on one file would stop everybody."""
        for _ in range(100):
            self.process.send_signal(signal.SIGSTOP)
            if _can_write(self._server.data):
                return
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.03)
        raise AssertionError("the worker always writes")

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self, wait_s: float = 40.0) -> int:
        """SIGTERM, and its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=wait_s)


def _can_write(data: Path) -> bool:
    """Whether nobody keeps the turn to write for longer than a write takes."""
    with (data / "frontdesk.writing").open("a") as turnstile:
        for _ in range(25):
            try:
                fcntl.flock(turnstile, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            else:
                return True
    return False


@contextmanager
def working(server: Server, mark: str, *options: str, clock: str = "") -> Iterator[WorkerProcess]:
    """A worker for the length of a with block."""
    worker = WorkerProcess(server, mark, *options, clock=clock)
    try:
        yield worker
    finally:
        worker.thaw()
        try:
            worker.stop()
        finally:
            worker.process.kill()
            worker.process.wait()
