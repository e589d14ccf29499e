"""Follows a page of the docs as its reader would: writes its files, runs its commands, compares what it shows.

- a fence ```sh is run by a shell that lives as long as the page, so `cd` and `.` last;
- `frontdesk serve ...` and `frontdesk worker ...` are left running, as in terminals of their own, and waited for,
  unless they end with `&`;
- a fence ```python title="folder/model.py" (or any other language with a title) is a file to write;
- the ports that pages name stand for free ones, also in $DEPLOY, which has the rules of deploy/ for nginx;
- a fence ```text after a command is what it prints, line by line; a line `...` stands for any.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PORTS = ("8000", "8001", "8002", "8080", "8443")
_PORT = re.compile(rf"(?<=[:= ])({'|'.join(_PORTS)})\b")
_GOES_ON = re.compile(r" &$", re.MULTILINE)
_END = "--- end of block ---"


class Walkthrough:
    """One reader with one shell, in an empty home, on a port of their own."""

    def __init__(self, repository: Path, home: Path, **variables: str) -> None:
        self._home = home
        self._ports = _free_ports()
        self._port = self._ports["8000"]
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "HOME": str(home), "PATH": programs, "FRONTDESK_PORT": self._port}
        environment |= {"REPOSITORY": str(repository), "DEPLOY": str(self._deploy(repository)), **variables}
        self._environment = environment
        self._workers = 0
        self._nodes: dict[subprocess.Popen[bytes], Path] = {}
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run("kill $(jobs -p) 2>/dev/null; wait; true")
        self._shell.communicate(timeout=30)
        self._end_nodes()

    def follow(self, page: Path) -> None:
        """Do all the page says; fails at the first thing that is not as it says."""
        printed = ""
        for language, title, text in _FENCE.findall(page.read_text()):
            if title:
                self._write(title, text)
            elif language == "sh":
                printed = self._run_as_written(text)
            elif language == "text":
                _compare(text, printed)

    def _deploy(self, repository: Path) -> Path:
        """The rules for nginx, on ports nobody else has."""
        folder = self._home / "deploy"
        folder.mkdir()
        for rules in (repository / "deploy").glob("*.conf"):
            (folder / rules.name).write_text(self._on_free_ports(rules.read_text()))
        return folder

    def _on_free_ports(self, text: str) -> str:
        return _PORT.sub(lambda found: self._ports[found[0]], text)

    def _write(self, title: str, text: str) -> None:
        folder = Path(self._run("pwd")[0].strip())
        path = folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _run_as_written(self, text: str) -> str:
        commands = self._on_free_ports(text)
        if commands.startswith("ray start"):
            return self._start_ray(commands.strip())
        goes_on = _GOES_ON.search(commands) is not None
        if commands.startswith("frontdesk serve") and not goes_on:
            self._run(
                "kill $(jobs -p) 2>/dev/null; wait; true"
            )  # the reader presses Ctrl-C before starting anew
            log = self._home / "server.log"
            self._run(f"{commands.strip()} > {shlex.quote(str(log))} 2>&1 &")
            self._wait_for_server(log)
            return log.read_text()
        if commands.startswith("frontdesk worker") and not goes_on:
            return self._start_worker(commands.strip())
        printed, status = self._run(commands)
        assert status == 0, f"{text}\nended with {status}:\n{printed}"
        return printed

    def _start_worker(self, command: str) -> str:
        self._workers += 1
        log = self._home / f"worker-{self._workers}.log"
        log.touch()
        self._run(f"{command} > {shlex.quote(str(log))} 2>&1 &")
        deadline = time.monotonic() + 30
        while " does " not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        return log.read_text()

    def _start_ray(self, command: str) -> str:
        """A node of Ray, in a terminal of its own until the page is at its end."""
        log = self._home / "ray.log"
        folder = tempfile.mkdtemp(
            prefix="ray-"
        )  # sockets need short paths, and what is left must be nobody else's
        with log.open("w") as output:
            node = subprocess.Popen(
                f"exec {command} --temp-dir={folder}", shell=True, cwd=self._home, env=self._environment,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._nodes[node] = Path(folder)
        deadline = time.monotonic() + 60
        while "Ray runtime started" not in log.read_text():
            assert node.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        return log.read_text()

    def _end_nodes(self) -> None:
        for node, folder in self._nodes.items():
            processes = psutil.Process(node.pid).children(recursive=True)
            for process in [node, *processes]:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            node.wait()
            psutil.wait_procs(processes, timeout=10)
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, commands: str) -> tuple[str, int]:
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write(_script(commands))
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(_END):
                return "".join(lines), int(line.rsplit(" ", 1)[1])
            lines.append(line)
        raise AssertionError("the shell ended: " + "".join(lines))

    def _wait_for_server(self, log: Path) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the server does not answer: {log.read_text()}")


def _free_ports() -> dict[str, str]:
    """A free port for each of those that pages name."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in _PORTS]
        return {name: str(probe.getsockname()[1]) for name, probe in zip(_PORTS, probes, strict=True)}


def _script(commands: str) -> str:
    """The commands, joined so that the first that fails ends them, then a line with the status."""
    lines = commands.strip().replace("\\\n", " ").split("\n")
    # What goes on in the background has no status to look at.
    joined = "\n".join(line if line.endswith("&") else f"{line} &&" for line in lines).removesuffix(" &&")
    return f"{{ {joined}\n}} </dev/null\nstatus=$?; echo; echo '{_END}' $status\n"


def _compare(expected: str, printed: str) -> None:
    """Each expected line, in order, with anything in place of `...`."""
    pattern = ".*?".join(re.escape(part) for part in re.split(r"\.\.\.\n?", expected.strip()))
    assert re.search(pattern, printed, re.DOTALL), f"expected\n{expected}\nbut it printed\n{printed}"
