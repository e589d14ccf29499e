"""A real `frontdesk serve` on a free port, with the means to hurt it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from support.databases import DATABASES, rows_at

_BESIDE_OTHERS = 3


class Server:
    """`with Server(data, sources) as server: server.http.get("/")`."""

    def __init__(self, data: Path, sources: Sequence[Path], *options: str, **environment: str) -> None:
        self.data, self.sources, self.options = data, sources, options
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None
        self.http = httpx.Client(timeout=30)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.http.close()

    # ------------------------------------------------------------------ starting and stopping

    def start(self, *, wait_s: float = 30.0) -> None:
        """Start it and wait until it answers."""
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "server.json").unlink(missing_ok=True)
        self.log = (self.data / "server.log").open("a")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "frontdesk", "serve", *map(str, self.sources),
                "--data", str(self.data), "--port", "0", *self.options,
            ],
            stdout=self.log, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={
                **os.environ, "FRONTDESK_MODELS": str(self.data / "models"), "FRONTDESK_ACCESS": "open",
                "FRONTDESK_DATABASE": DATABASES.url_of(self.data), **self.environment,
            },
        )  # fmt: skip
        until(lambda: (self.data / "server.json").exists() or self.ended, wait_s, "server.json")
        assert not self.ended, self.log_text()
        self.url = json.loads((self.data / "server.json").read_text())["url"]
        self.http.base_url = httpx.URL(self.url)
        until(self._answers, wait_s, "/livez")

    def stop(self) -> int:
        """End it as Ctrl-C would; give its exit code."""
        if self.process is None:
            return 0
        if not self.ended:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=40)
        self.log.close()
        self.process = None
        return code

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def log_text(self) -> str:
        return (self.data / "server.log").read_text()

    def _answers(self) -> bool:
        try:
            return self.http.get("/livez").status_code == 200
        except httpx.TransportError:
            return False

    # ------------------------------------------------------------------------- hurting it

    def children(self, role: str) -> list[psutil.Process]:
        """Its processes of one role: web, worker or host."""
        assert self.process is not None
        tree = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in tree if self._role(process) == role]

    def kill(self, role: str) -> int:
        """Kill -9 every process of a role; give how many there were."""
        victims = self.children(role)
        for victim in victims:
            victim.kill()
        return len(victims)

    def kill_everything(self) -> None:
        """Kill -9 the whole tree at once, as a power cut would."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # some end as soon as their parent has
                process.kill()
        self.process.wait()
        self.log.close()
        self.process = None

    def _role(self, process: psutil.Process) -> str:
        with suppress(psutil.Error):
            words = process.cmdline()
            if "frontdesk.host.process" in words:
                return "host"
            if "frontdesk.cli.child" in words:
                return process.environ().get("FRONTDESK_ROLE", "").split("-")[0]
        return ""

    def run(self, *words: str, input: str = "") -> str:
        """Run another command of frontdesk on the same data; give what it prints."""
        command = [sys.executable, "-m", "frontdesk", *words, "--data", str(self.data)]
        environment = {**os.environ, "FRONTDESK_DATABASE": DATABASES.url_of(self.data), **self.environment}
        return subprocess.run(
            command, input=input, text=True, capture_output=True, check=True, timeout=60, env=environment
        ).stdout

    def rows(self, query: str, **values: Any) -> Sequence[tuple[Any, ...]]:
        """What the database itself says, past all our own code."""
        own = self.environment.get("FRONTDESK_DATABASE")
        return rows_at(own or DATABASES.of(self.data), query, **values)

    # -------------------------------------------------------------------------- asking it

    def predict(self, task: str, *, prefer: str = "", **inputs: Any) -> httpx.Response:
        headers = {"Prefer": prefer} if prefer else {}
        return self.http.post(f"/api/tasks/{task}/predict", json={"inputs": inputs}, headers=headers)

    def submit(self, task: str, **inputs: Any) -> str:
        """Ask for a ticket; give its id."""
        response = self.predict(task, prefer="respond-async", **inputs)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        response = self.http.get(f"/api/jobs/{job_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    def finished(self, job_id: str, wait_s: float = 30.0) -> dict[str, Any]:
        """Wait until the job is over; give it."""
        until(
            lambda: self.job(job_id)["state"] in ("succeeded", "failed", "cancelled"), wait_s, f"job {job_id}"
        )
        return self.job(job_id)


def until(is_true: Any, wait_s: float, what: str, every_s: float = 0.05) -> None:
    """Wait for something to become true; fail naming it when it does not in time.

    `wait_s` is for a machine that does nothing else: others beside a test make everything slower, and no less right.
    """
    patience_s = wait_s * _BESIDE_OTHERS
    end = time.monotonic() + patience_s
    while not is_true():
        assert time.monotonic() < end, f"{what} did not come within {patience_s:g} s"
        time.sleep(every_s)


@contextmanager
def serving(data: Path, *sources: Path, options: Sequence[str] = (), **environment: str) -> Iterator[Server]:
    """A server for the length of a with block."""
    with Server(data, sources, *options, **environment) as server:
        yield server
