"""A Ray cluster of several nodes on this machine: a raylet each, as on machines of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from support.servers.process import free_port

_STARTED = "Ray runtime started"
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a-token-of-the-tests-that-is-long-enough"}
_QUICK = {
    # A node that dies is noticed in a second or two, and nothing is told to anybody outside.
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}


class RayNode:
    """One node: `ray start --block` and all that it started."""

    def __init__(self, log: Path, options: Sequence[str], environment: Mapping[str, str]) -> None:
        ray = Path(sys.executable).with_name("ray")
        command = [
            ray, "start", *options, "--block", "--disable-usage-stats", "--object-store-memory=80000000",
        ]  # fmt: skip
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_QUICK, **TOKEN, **environment},
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while _STARTED not in log.read_text():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"no Ray node within 60 s: {log.read_text()}"
            time.sleep(0.05)

    @property
    def raylet(self) -> psutil.Process:
        """Its raylet, which the environment of what runs on it names."""
        return next(p for p in self.processes() if p.name().startswith("raylet"))

    def processes(self, named: str = "") -> list[psutil.Process]:
        """All of its processes, or those whose title begins so."""
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self.process.pid)
            found = [parent, *parent.children(recursive=True)]
            return [process for process in found if not named or title(process).startswith(named)]
        return []

    def kill(self) -> None:
        """Kill -9 all of it at once, as a power cut would."""
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        psutil.wait_procs(processes, timeout=10)


class RayCluster:
    """`with RayCluster() as cluster: cluster.address`. The head comes first in `nodes`; the driver's is always that."""

    environment = TOKEN  # what those who speak to it must show

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fd-ray-"))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.nodes: list[RayNode] = []
        self._logs = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_head(self, cpus: int) -> RayNode:
        """Start the head, with the node that is part of it."""
        return self._start(
            "--head", f"--port={self.port}", f"--num-cpus={cpus}", "--include-dashboard=false",
            f"--temp-dir={self.folder}",
        )  # fmt: skip

    def add_node(self, cpus: int, gpus: int = 0, **environment: str) -> RayNode:
        """Start one more node, and have what runs on it see these variables."""
        return self._start(
            f"--address={self.address}", f"--num-cpus={cpus}", f"--num-gpus={gpus}", **environment
        )

    def remove(self, node: RayNode) -> None:
        """Kill a node; there are others."""
        node.kill()
        self.nodes.remove(node)

    def stop(self) -> None:
        """End all nodes, the head last."""
        for node in self.nodes:
            node.kill()
        self.nodes.clear()

    def _start(self, *options: str, **environment: str) -> RayNode:
        self._logs += 1
        node = RayNode(self.folder / f"node-{self._logs}.log", options, environment)
        self.nodes.append(node)
        return node


def title(process: psutil.Process) -> str:
    """What it was started as; nothing for one that has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
