"""A server program as a test holds it: started, stopped, killed, frozen, on a free port and in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil


class ServerProcess:
    """`with Postgres() as server: server.new_database()`. What differs between programs is in the subclasses.

    A program that refuses to run as root runs as `user` where the test is root.
    """

    user = ""
    patience_s = 30.0

    def __init__(self) -> None:
        # Not in pytest's folder: that is closed to every other user.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        if self._other_user:
            shutil.chown(self.folder, self.user, self.user)

    # -------------------------------------------------------------- what a subclass says

    def prepare(self) -> None:
        """Make what the program needs before its first start."""

    def command(self) -> Sequence[str]:
        """How it is started, in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it can be used."""
        raise NotImplementedError

    stop_signal = signal.SIGTERM

    # --------------------------------------------------------------- starting and stopping

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._as_user(), *self.command()], cwd=self.folder, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + self.patience_s
        while not self.answers():
            assert self.process.poll() is None, f"it ended: {self.log_text()[-2000:]}"
            assert time.monotonic() < end, f"it does not answer: {self.log_text()[-2000:]}"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it as an administrator would, and wait until it has."""
        if self.process is not None:
            self.process.send_signal(self.stop_signal)
            self.process.wait(timeout=self.patience_s)
            self.process = None

    def kill(self) -> None:
        """End it as a power cut would, with all processes it has."""
        if self.process is not None:
            self._signal_all(signal.SIGKILL)
            self.process.wait(timeout=self.patience_s)
            self.process = None

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def wound(self, choose: random.Random) -> None:
        """End one of the processes that came of it, as when it runs out of memory; itself where there are none."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            choose.choice(family or [psutil.Process(self.process.pid)]).kill()

    def freeze(self) -> None:
        """Let it stand still until `thaw`: connections stay, and nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        """End it for good, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_text(self) -> str:
        """What it wrote so far."""
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # -------------------------------------------------------------------------------------

    def _signal_all(self, number: int) -> None:
        """Its own children, too: some programs put each of them into a process group apart."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            for process in [parent, *parent.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    @property
    def _other_user(self) -> bool:
        return bool(self.user) and os.getuid() == 0

    def _as_user(self) -> Sequence[str]:
        if not self._other_user:
            return []
        entry = pwd.getpwnam(self.user)
        return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]

    def run(self, *words: str) -> None:
        """Run one of its tools; fail with what that says."""
        done = subprocess.run(
            [*self._as_user(), *words], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (words[0], done.stdout[-1000:], done.stderr[-1000:])


def free_port() -> int:
    """A port nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
