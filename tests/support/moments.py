"""Moments for tests."""

from datetime import UTC, datetime
from pathlib import Path


def now() -> datetime:
    """This moment, in UTC, by the machine's clock."""
    return datetime.now(UTC)


def elsewhen(clock: str) -> dict[str, str]:
    """The environment of a process whose clock is off by that."""
    if not clock:
        return {}
    # The library alone: Debian's program `faketime` loads the one that is not for programs with threads.
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "scripts/system.sh installs faketime"
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
