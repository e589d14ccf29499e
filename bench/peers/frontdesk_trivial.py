"""The trivial job of bench/jobs.py as a frontdesk task."""

import frontdesk as fd


@fd.task
def add_one(number: float) -> float:
    """Adds one."""
    return number + 1
