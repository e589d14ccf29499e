"""How much the desk takes on, and how long it keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLimits:
    """`retention_days` and `retention_bytes` 0 mean for ever and no limit."""

    lease_s: float = 15.0
    attempts_limit: int = 3
    jobs_waiting_limit: int = 100_000
    retention_days: float = 30.0
    retention_bytes: int = 20 * 2**30
