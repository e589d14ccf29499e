"""What time is it there? A task can be a plain function."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import frontdesk as fd


@fd.task(title="What time is it there?")
def clock(zone: Annotated[str, fd.Text(max_length=64, placeholder="Asia/Tokyo")] = "UTC") -> str:
    """Tells the local time of a time zone, by its name in the IANA database."""
    try:
        there = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise fd.InvalidInput("zone", f"There is no time zone {zone!r}; try Asia/Tokyo.") from None
    return datetime.now(there).strftime("%Y-%m-%d %H:%M:%S %Z")
