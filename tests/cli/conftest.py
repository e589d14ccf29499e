"""One real server, and a shell beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.server import Server, serving

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tasks = repository / "tests" / "support" / "tasks" / "desk.py"
    with serving(tmp_path_factory.mktemp("data"), tasks) as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs `frontdesk WORDS...` in an empty folder."""

    def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("FRONTDESK_")}
        return subprocess.run(
            [sys.executable, "-m", "frontdesk", *map(str, words)],
            cwd=tmp_path, env={**known, **environment}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def ask(shell: Shell, server: Server) -> Shell:
    """The same, with the data folder of the server."""

    def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return shell(*words, FRONTDESK_DATA=str(server.data), **environment)

    return run
