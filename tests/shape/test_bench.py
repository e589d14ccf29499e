"""The benchmarks start; that they measure is seen by running them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["online", "jobs", "page", "reporting", "scale"])
def test_a_benchmark_says_what_it_does(repository: Path, name: str) -> None:
    command = [sys.executable, repository / "bench" / f"{name}.py", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--rounds" in done.stdout
