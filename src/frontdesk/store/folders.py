"""What lies in a folder that somebody else may be clearing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def below(folder: Path) -> Iterator[Path]:
    """All files and folders in it, at any depth. What is removed meanwhile may be among them or not.

    `Path.rglob` raises where a folder goes between two looks; this goes on.
    """
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(parent, name)
