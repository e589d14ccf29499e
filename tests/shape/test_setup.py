"""What a newcomer reads when something is missing: one clear line, never a traceback."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = (
    "sh",
    "cat",
    "cmp",
    "cp",
    "date",
    "grep",
    "head",
    "mktemp",
    "rm",
    "sed",
    "tail",
    "touch",
    "id",
    "env",
    "dirname",
)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of programs that has neither Python nor Node."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """As much of a fresh checkout as the set-up scripts look at."""
    folder = tmp_path / "checkout"
    shutil.copytree(repository / "scripts", folder / "scripts")
    (folder / "frontend").mkdir()
    (folder / "frontend" / "package-lock.json").write_text("{}")
    shutil.copy(repository / "pyproject.toml", folder)
    return folder


def _run(folder: Path, tools: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(tools), "HOME": str(folder), "PIP_CONFIG_FILE": "/dev/null", "NO_PROXY": "*"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def _program(tools: Path, name: str, script: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{script}\n")
    (tools / name).chmod(0o755)


def test_it_says_that_python_is_missing(checkout: Path, tools: Path) -> None:
    done = _run(checkout, tools, "sh", "scripts/venv.sh", "python3", "examples", "stamp")
    assert done.returncode == 1
    assert done.stderr.startswith("frontdesk: Python 3.11 or newer is needed and was not found.")
    assert done.stderr.count("\n") == 1


def test_it_says_that_python_is_too_old(checkout: Path, tools: Path) -> None:
    _program(tools, "python3", "exit 1")
    done = _run(checkout, tools, "sh", "scripts/venv.sh", "python3", "examples", "stamp")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_it_says_that_the_package_index_is_out_of_reach(checkout: Path, tools: Path) -> None:
    _program(
        tools,
        "python3",
        'case "$*" in *venv*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; '
        '*install*) echo "WARNING: NewConnectionError"; exit 1;; esac',
    )
    (tools / "mkdir").symlink_to(shutil.which("mkdir") or "/bin/mkdir")
    done = _run(checkout, tools, "sh", "scripts/venv.sh", "python3", "examples", "stamp")
    assert done.returncode == 1
    assert "the Python package index cannot be reached. Is there a network?" in done.stderr
    assert not (checkout / "stamp").exists()


def test_it_says_that_node_is_missing(checkout: Path, tools: Path) -> None:
    done = _run(checkout, tools, "sh", "scripts/frontend.sh", "stamp")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "frontdesk: Node.js 20 or newer is needed to build the pages and was not found."
    )
    assert done.stderr.count("\n") == 1


def test_it_says_that_node_is_too_old(checkout: Path, tools: Path) -> None:
    _program(tools, "node", "echo v16.1.0")
    done = _run(checkout, tools, "sh", "scripts/frontend.sh", "stamp")
    assert (done.returncode, done.stderr) == (
        1,
        "frontdesk: Node.js 20 or newer is needed to build the pages; this is v16.1.0.\n",
    )


def test_it_says_that_npm_is_missing(checkout: Path, tools: Path) -> None:
    _program(tools, "node", "echo v22.0.0")
    done = _run(checkout, tools, "sh", "scripts/frontend.sh", "stamp")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "npm is needed" in done.stderr


def test_it_says_that_the_npm_registry_is_out_of_reach(checkout: Path, tools: Path) -> None:
    _program(tools, "node", "echo v22.0.0")
    _program(tools, "npm", "echo 'npm error code ENOTFOUND' >&2; exit 1")
    done = _run(checkout, tools, "sh", "scripts/frontend.sh", "stamp")
    assert (done.returncode, done.stderr) == (
        1,
        "frontdesk: the npm registry cannot be reached. Is there a network?\n",
    )


def test_it_names_what_the_tests_need_of_the_system(checkout: Path, tools: Path) -> None:
    done = _run(checkout, tools, "sh", "scripts/system.sh")
    assert done.returncode == 1
    assert done.stderr.startswith("frontdesk: the tests need chromium redis-server")


@pytest.mark.parametrize(
    "target", ["serve", "test", "check", "fix", "lint", "types", "imports", "pictures", "bench"]
)
def test_make_knows_its_targets(repository: Path, target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
