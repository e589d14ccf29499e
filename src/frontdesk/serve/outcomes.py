"""What comes of a question: an answer, or a ticket for one."""

from __future__ import annotations

import msgspec

from frontdesk.desk.job import Job


class Answered(msgspec.Struct, frozen=True, gc=False):
    """The answer. `outputs` is a JSON object; `id` names this prediction, `is_cached` says that no model was asked."""

    id: str
    model: str
    version: int
    outputs: bytes
    is_cached: bool = False


class Ticketed(msgspec.Struct, frozen=True):
    """There is no answer yet; this job will have it."""

    job: Job
