"""What a training may use, and what there is."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainLimits:
    """What one training may use. 0 means no limit, and for memory nine tenths of what the machine has.

    After `silence_s` without a word of its worker a training ends itself.
    """

    at_once: int = 1
    memory_mb: int = 0
    time_s: float = 86_400.0
    folder_mb: int = 20_480
    cancel_grace_s: float = 30.0
    silence_s: float = 15.0


def machine_memory_bytes() -> int:
    """What there is for all: the machine's, or what its container may use."""
    total = int(psutil.virtual_memory().total)
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total
