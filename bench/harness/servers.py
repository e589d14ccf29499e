"""Servers as child processes: a free port, ready when it answers, stopped with all its children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.environments import REPOSITORY, PeerMissing


def test_servers() -> dict[str, Callable[[], Any]]:
    """The servers of the tests by name; each is made, entered and asked for an address."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from support.servers.mariadb import MariaDb
    from support.servers.postgres import Postgres
    from support.servers.ray import RayCluster
    from support.servers.redis import RedisServer

    return {"postgresql": Postgres, "mariadb": MariaDb, "redis": RedisServer, "ray": RayCluster}


def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ready_url: str,
    log: Path,
    env: Mapping[str, str],
    patience_s: float = 90,
) -> Iterator[int]:
    """Run a server until the block ends; yields its process id once `ready_url` answers 200."""
    process = _started(command, log, env)
    try:
        _wait_until(lambda: _answers(ready_url), process, log, patience_s)
        yield process.pid
    finally:
        _stop(process)


@contextmanager
def running_until_stopped(
    command: Sequence[str | Path], *, log: Path, env: Mapping[str, str], answers_on: int | None = None
) -> Iterator[int]:
    """Run a program that speaks no HTTP; with `answers_on`, once that port takes connections."""
    process = _started(command, log, env)
    try:
        _wait_until(lambda: answers_on is None or _connects(answers_on), process, log, 10)
        yield process.pid
    finally:
        _stop(process)


def _started(command: Sequence[str | Path], log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **env},
            cwd=log.parent,
            start_new_session=True,
        )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(
    is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, patience_s: float
) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and process.poll() is None:
        if is_ready():
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise PeerMissing(f"it did not start: {tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
        # The leader is gone; whoever it left behind in its group goes with the second signal.
