"""The trivial job of bench/jobs.py as a frontdesk task."""

import frontdesk as fd


@fd.task
def add_one(a: float) -> float:
    """Adds one."""
    return a + 1
