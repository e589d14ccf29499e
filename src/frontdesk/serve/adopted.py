"""Calls this web process began for a client that did not want to wait any longer (docs/decisions/0006).

Each is a running job, leased to this process like to any worker: it sends heartbeats while the model
works and writes the answer under that lease. If this process dies, the lease runs out and a worker
does the job again.
"""

from __future__ import annotations

import asyncio
import logging

from frontdesk.desk.job import OUR_FAULT, Failure, Lease
from frontdesk.desk.queue import Desk
from frontdesk.errors import FrontdeskError, HostUnreachable, LeaseLost, Overloaded, StoreUnavailable
from frontdesk.host.client import HostAnswer
from frontdesk.serve.live import Hub, Watch
from frontdesk.serve.threads import in_thread

log = logging.getLogger(__name__)

Call = asyncio.Task[HostAnswer]

_DRAIN_S = 2.0
_LOOK_S = 0.2
_AGAIN_S = 1.0


class AdoptedCalls:
    """Keeps adopted calls until their answers are written."""

    def __init__(self, desk: Desk, hub: Hub, lease_s: float) -> None:
        self._desk, self._hub = desk, hub
        self._beat_every_s = lease_s / 3
        self._keepers: set[asyncio.Task[None]] = set()
        self._watches: set[Watch] = set()
        self._is_stopping = False

    def keep(self, lease: Lease, call: Call) -> None:
        """See this call through."""
        keeper = asyncio.create_task(self._keep(lease, call))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)

    async def stop(self) -> None:
        """Give what is nearly done a moment, and the rest back to the workers."""
        if self._keepers:
            await asyncio.wait(self._keepers, timeout=_DRAIN_S)
        self._is_stopping = True
        for watch in self._watches:
            watch.notice()
        await asyncio.gather(*self._keepers)

    async def _keep(self, lease: Lease, call: Call) -> None:
        try:
            if await self._is_ours_to_the_end(lease, call):
                await self._write_down(lease, call)
            else:
                call.cancel()  # which ends the model's work as well
        except LeaseLost:
            log.info("job %s was cancelled or given to another worker", lease.job.id)
        except Exception:
            # The lease runs out, and a worker does it again.
            log.exception("the answer of job %s could not be written", lease.job.id)

    async def _is_ours_to_the_end(self, lease: Lease, call: Call) -> bool:
        """Send heartbeats until the call is done or this process stops; False when the lease is lost before."""
        with self._hub.watching(lease.job.id) as watch:
            self._watches.add(watch)
            call.add_done_callback(lambda _: watch.notice())
            try:
                while not call.done() and not self._is_stopping:
                    if await watch.wait(self._beat_every_s):
                        # News of this job may be that it was cancelled; our own adoption is news too.
                        await asyncio.wait({call}, timeout=_LOOK_S)
                    if not call.done() and await self._is_lost(lease):
                        return False
            finally:
                self._watches.discard(watch)
        return True

    async def _is_lost(self, lease: Lease) -> bool:
        try:
            return lease.job.id in await in_thread(self._desk.beat, [lease])
        except StoreUnavailable:
            return False  # whether it is, is seen when the answer is written

    async def _write_down(self, lease: Lease, call: Call) -> None:
        """Write what came of it, as soon as the database is there: what is answered is not asked again."""
        while True:
            try:
                return await in_thread(self._settle, lease, call)
            except StoreUnavailable:
                if self._is_stopping:
                    raise
                await asyncio.sleep(_AGAIN_S)

    def _settle(self, lease: Lease, call: Call) -> None:
        if not call.done():
            self._desk.release(lease)
            return
        error = call.exception()
        if error is None:
            answer = call.result()
            self._desk.finish(lease, answer.outputs, answer.version)
        elif isinstance(error, HostUnreachable | Overloaded):
            self._desk.release(lease)
        elif isinstance(error, FrontdeskError):
            self._desk.fail(lease, Failure.of(error))
        else:
            log.error("job %s could not be run", lease.job.id, exc_info=error)
            self._desk.fail(lease, Failure(OUR_FAULT))
