"""Ids that sort by the time they were made: UUID version 7 (RFC 9562)."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A new id as 36 characters of lower-case text."""
    return str(uuid_utils.uuid7())
