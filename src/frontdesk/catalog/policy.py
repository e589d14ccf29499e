"""When a new version answers instead of the live one: what a model's `goes_live` means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from frontdesk.catalog.version import VersionRecord


def is_better(policy: str, new: VersionRecord, live: VersionRecord | None) -> bool:
    """Whether the new version is to go live: "by hand" never, "higher accuracy" when it measured more of that."""
    direction, _, metric = policy.partition(" ")
    if direction not in ("higher", "lower"):
        return False
    measured = _number(new.metrics, metric)
    if measured is None:
        return False
    before = _number(live.metrics, metric) if live is not None else None
    if before is None:
        return True
    return measured > before if direction == "higher" else measured < before


def _number(metrics: Mapping[str, Any], name: str) -> float | None:
    value = metrics.get(name)
    return float(value) if isinstance(value, int | float) else None
