"""Moments for tests."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, in UTC, by the machine's clock."""
    return datetime.now(UTC)
