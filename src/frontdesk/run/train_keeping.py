"""What a training learned, once it is a version or about to be one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from frontdesk.catalog.policy import is_better
from frontdesk.catalog.version import VersionRecord
from frontdesk.catalog.versions import Fence, Versions
from frontdesk.declare.signature import ModelCard
from frontdesk.errors import FrontdeskError, HostUnreachable, StoreUnavailable
from frontdesk.run.performer import Models

log = logging.getLogger(__name__)

T = TypeVar("T")

_KEEP_AGAIN_S = 2.0


async def once_it_can_be_kept(keep: Callable[[], T]) -> T:
    """Try again for as long as the storage is down: what took hours to learn is not thrown away for minutes."""
    while True:
        try:
            return await asyncio.to_thread(keep)
        except StoreUnavailable as error:
            log.warning("what a training learned waits to be kept: %s", error)
            await asyncio.sleep(_KEEP_AGAIN_S)


async def go_live_if_better(
    versions: Versions, version: VersionRecord, model: ModelCard, hosts: Models, fence: Fence
) -> VersionRecord:
    """Make it live where the model's policy says so, loaded first; one that cannot be never does.

    Raises LeaseLost, and HostUnreachable where nobody can tell now whether it can be loaded.
    """
    live = await asyncio.to_thread(versions.live, version.task, version.model)
    if not is_better(model.goes_live, version, live):
        return version
    try:
        await hosts.warm(version.task, version.model, version.number)
    except HostUnreachable:
        raise
    except FrontdeskError as error:
        log.warning("version %s of %s does not go live: %s", version.number, version.model, error)
        return version
    await asyncio.to_thread(versions.make_live, version.task, version.model, version.number, fence)
    with contextlib.suppress(FrontdeskError):  # then the supervisor sees it by itself, a second later
        await hosts.follow(version.task, version.model)
    return await asyncio.to_thread(versions.get, version.task, version.model, version.number) or version
