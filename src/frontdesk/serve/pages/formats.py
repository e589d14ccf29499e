"""How figures, times and kinds are written for people: the filters of the templates."""

from __future__ import annotations

import base64
import binascii
import math
from datetime import UTC, datetime
from typing import Any

KIND_NAMES = {"predict": "Question", "batch": "File", "train": "Training"}
STATE_NAMES = {
    "queued": "Pending",
    "running": "In progress",
    "succeeded": "Processed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
_DIGITS = 6
_TINY_PIXELS = 64
_MANY = 1e6


def ago(moment: datetime | None) -> str:
    """How long since."""
    if moment is None:
        return "–"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    return "just now" if seconds < 5 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def percent(share: float) -> str:
    """A share of one, with one decimal."""
    return f"{100 * share:.1f} %"


def figure(value: Any) -> str:
    """A number to be read: no more digits than a person takes in. Anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= _MANY:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.{_DIGITS}g}"
    return f"{value:.{_DIGITS}g}"


def plain(value: Any) -> str:
    """A number as a form field holds it: exact, and whole where it is whole."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def megabytes(count: int) -> str:
    """Of bytes."""
    return f"{count / 2**20:,.0f} MB"


def size(count: int) -> str:
    """Of bytes, in the unit that leaves a figure to read."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.1f} {unit}" if unit != "bytes" else f"{count} byte{'s' if count != 1 else ''}"
        amount /= 1000
    return f"{amount:.1f} GB"


def kind_name(kind: Any) -> str:
    """The word by which a kind of input or output goes."""
    return str(kind.__struct_config__.tag)


def is_tiny(png_base64: str) -> bool:
    """Whether a picture is too small to be looked at pixel for pixel; what is no PNG is not."""
    try:
        head = base64.b64decode(png_base64[:32])
    except binascii.Error:
        return False
    size = (int.from_bytes(head[16:20]), int.from_bytes(head[20:24]))
    return head[:4] == b"\x89PNG" and max(size) <= _TINY_PIXELS


FILTERS = {
    "bytes": size,
    "zip": zip,
    "ago": ago,
    "duration": duration,
    "is_tiny": is_tiny,
    "figure": figure,
    "megabytes": megabytes,
    "log10": math.log10,
    "ordinal": ordinal,
    "percent": percent,
    "plain": plain,
    "tag": kind_name,
}
