"""What a message says, for people."""

from __future__ import annotations

import msgspec

from frontdesk.desk.job import JobState
from frontdesk.desk.telling import Letter

_ENDS = {
    JobState.SUCCEEDED: "is processed",
    JobState.FAILED: "has failed",
    JobState.CANCELLED: "was cancelled",
}


def headline_and_text(body: bytes, url: str) -> tuple[str, str]:
    """A line, and a few: what ended and how, why, and where to look."""
    ended = msgspec.json.decode(body, type=Letter).data
    title = " ".join((ended["title"] or ended["task"] or "").split())
    headline = f"{title} {_ENDS[JobState(ended['state'] or '')]}"
    lines = [f"{headline}."]
    if ended["error"]:
        lines.append(f"\nWhy: {ended['error']}")
    lines.append(f"\n{url.rstrip('/')}/jobs/{ended['id']}")
    lines.append(f"\nWhat you are told is chosen on {url.rstrip('/')}/notices/settings")
    return headline, "\n".join(lines) + "\n"
