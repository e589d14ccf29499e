"""Ids that sort by the time they were made: UUID version 7 (RFC 9562)."""

from __future__ import annotations

import uuid
from datetime import datetime

import uuid_utils


def new_id() -> str:
    """A new id as 36 characters of lower-case text."""
    return str(uuid_utils.uuid7())


def first_id(moment: datetime) -> str:
    """What comes before every id made from this moment on, and behind all made earlier."""
    return str(uuid.UUID(int=int(moment.timestamp() * 1000) << 80))
