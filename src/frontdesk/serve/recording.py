"""Noting in the record what was done by way of this request."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from frontdesk.serve.services import services_of
from frontdesk.serve.signing import by
from frontdesk.serve.threads import in_thread


async def record(request: Request, action: str, subject: str, **detail: Any) -> None:
    """Note that the sender of this request did this. Where there is no sign-in there is nobody to name."""
    gate = services_of(request).gate
    if gate is not None:
        await in_thread(gate.audit.note, by(request), action, subject, **detail)
