"""A virtual environment for each peer, under bench/.venvs, so that no peer meets another's pins."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
REPOSITORY = BENCH.parent


class PeerMissing(Exception):
    """A peer cannot be installed here; the message says why. The benchmark goes on and reports it."""


def environment(name: str, requirements: list[str]) -> Path:
    """The `bin` folder of the peer's environment, installed at first use and when `requirements` change."""
    folder = BENCH / ".venvs" / name
    stamp = folder / "installed.txt"
    wanted = "\n".join(requirements)
    if stamp.exists() and stamp.read_text() == wanted:
        return folder / "bin"
    print(f"Installing {name} into {folder.relative_to(REPOSITORY)} (once)", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise PeerMissing(errors[0] if errors else f"pip ended with code {done.returncode}")
    stamp.write_text(wanted)
    return folder / "bin"


def product() -> Path:
    """The `bin` folder that holds frontdesk itself: that of the Python this runs in."""
    return Path(sys.executable).parent
