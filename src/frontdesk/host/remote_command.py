"""A back end that frontdesk starts itself: its process, and where it listens."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from frontdesk.errors import HostError
from frontdesk.host import tether


class Command:
    """A running command. FRONTDESK_MODEL_SOCKET tells it a Unix socket to listen on, FRONTDESK_MODEL_PORT a port."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        """Raises HostError where there is no such program."""
        self.words = list(words)
        if not shutil.which(self.words[0]) and not (folder / self.words[0]).is_file():
            raise HostError(
                f"This back end does not answer: it needs `{self.words[0]}`, which is not installed here."
            )
        self._place = tempfile.mkdtemp(prefix="frontdesk-")
        self.socket = f"{self._place}/model.sock"
        self.port = _free_port()
        # `env` of coreutils would do as well, but the parent's environment has to stay ours to read.
        settings = [f"FRONTDESK_MODEL_SOCKET={self.socket}", f"FRONTDESK_MODEL_PORT={self.port}"]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", tether.__file__, self._place, "env", *settings, *self.words],
            cwd=folder, stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """The process that holds the command."""
        return self._process.pid

    def has_ended(self, within_s: float = 0.0) -> bool:
        """Whether it has ended, or does so in that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        return self._process.returncode is not None

    def wait(self) -> str:
        """Wait for its end, which is told in a sentence."""
        code = self._process.wait()
        self.kill()
        name = " ".join(self.words)
        if code < 0 or code > 128:
            return f"`{name}` was ended by {signal.Signals(-code if code < 0 else code - 128).name}."
        return f"`{name}` ended itself with code {code}."

    def kill(self) -> None:
        """End it, and every process it started, now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        shutil.rmtree(self._place, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
