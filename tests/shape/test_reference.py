"""Every setting and command is in the reference, as it is in the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("page", ["settings.md", "commands.md"])
def test_the_reference_says_what_the_code_says(repository: Path, tmp_path: Path, page: str) -> None:
    script = repository / "scripts" / "reference.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    written = (repository / "docs" / "reference" / page).read_text()
    assert written == (tmp_path / page).read_text(), "run make reference"
