"""Files that somebody sends, within what they may have stored."""

from __future__ import annotations

from collections.abc import Iterable

from frontdesk.access.caller import Caller
from frontdesk.serve.services import Services, stored_bytes_limit
from frontdesk.store.files import StoredFile


def keep_file(
    services: Services, caller: Caller, name: str, media_type: str, size_bytes: int, content: Iterable[bytes]
) -> StoredFile:
    """Keep a file of the caller's. Raises QuotaExceeded; then nothing of it is kept."""
    if services.gate is not None:
        services.gate.quotas.refuse_more_bytes(caller, size_bytes)  # before any of it is copied
    limit = stored_bytes_limit(services, caller.owner)
    return services.files.add(caller.owner, name, media_type, content, limit_bytes=limit)
