"""Folders that outlive an attempt, and belong to one at a time.

Such a folder is named after its job and the token of the lease it is used under. The next attempt renames it to its own
name: whoever still works under the lease of before, having slept through its end, finds no folder to write into.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from frontdesk.errors import LeaseLost

_NAME = re.compile(r"(?P<job>.{36})-(?P<token>\d+)")


def take_over(parent: Path, job_id: str, token: int) -> Path:
    """The folder of this attempt, with what those before it left. Raises LeaseLost where there is a later one."""
    mine = parent / f"{job_id}-{token}"
    parent.mkdir(parents=True, exist_ok=True)
    earlier = sorted((_token(path), path) for path in parent.glob(f"{job_id}-*") if path != mine)
    if earlier and earlier[-1][0] > token:
        raise LeaseLost(job_id)
    if earlier and not mine.exists():
        earlier.pop()[1].rename(mine)
        for draft in mine.rglob("*.part"):  # somebody may have it open
            draft.unlink(missing_ok=True)
    for _, path in earlier:
        shutil.rmtree(path, ignore_errors=True)
    mine.mkdir(exist_ok=True)
    return mine


def newest_token(parent: Path, job_id: str) -> int:
    """The token of the latest attempt at this job that left something here, 0 where none did."""
    return max((_token(path) for path in parent.glob(f"{job_id}-*")), default=0)


def job_folders(parent: Path) -> Iterator[tuple[str, Path]]:
    """All of them, with the jobs they are of."""
    for path in parent.iterdir() if parent.is_dir() else ():
        if (of := _NAME.fullmatch(path.name)) is not None:
            yield of["job"], path


def _token(path: Path) -> int:
    of = _NAME.fullmatch(path.name)
    return int(of["token"]) if of else 0
