"""Sends what is on its way out: a thread with an event loop, in the parent of a server."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping

from frontdesk.desk.deliveries import Deliveries, Outgoing, Result
from frontdesk.desk.engine import Engine
from frontdesk.desk.telling import Channel
from frontdesk.run.senders.sender import TIMEOUT_S, Sender

log = logging.getLogger(__name__)

_AT_ONCE = 16
_LOOK_EVERY_S = 5.0
_PRUNE_EVERY_S = 3600.0
_TOGETHER_S = 0.05


class Teller:
    """Sends between `start` and `stop`. Several, on any machines, may send from one table."""

    def __init__(self, deliveries: Deliveries, engine: Engine, senders: Mapping[Channel, Sender]) -> None:
        self._deliveries, self._engine, self._senders = deliveries, engine, senders
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)
        self._in_hand: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End. What is being sent is left to be sent again: its receiver knows it by its id."""
        self._stopping.set()
        self._wake()
        self._thread.join()

    def _wake(self, _: object = None) -> None:
        """On any thread."""
        loop, news = self._loop, self._news
        if loop is not None and news is not None and not loop.is_closed():
            loop.call_soon_threadsafe(news.set)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        stop_listening = self._engine.listen(self._wake)
        prune_after = 0.0
        while not self._stopping.is_set():
            try:
                await self._send_what_is_due()
                if time.monotonic() > prune_after:
                    prune_after = time.monotonic() + _PRUNE_EVERY_S
                    await asyncio.to_thread(self._deliveries.prune)
                due_s = await asyncio.to_thread(self._deliveries.next_due_s)
            except Exception:
                # The database may be away for a while; what is due stays due.
                log.exception("what is due could not be sent")
                due_s = None
            await self._wait(_LOOK_EVERY_S if due_s is None else min(due_s, _LOOK_EVERY_S))
        stop_listening()
        for task in self._in_hand:
            task.cancel()

    async def _send_what_is_due(self) -> None:
        while (room := _AT_ONCE - len(self._in_hand)) > 0 and not self._stopping.is_set():
            claimed = await asyncio.to_thread(self._deliveries.claim, room)
            for message in claimed:
                task = asyncio.create_task(self._send(message))
                self._in_hand.add(task)
                task.add_done_callback(self._in_hand.discard)
                task.add_done_callback(self._wake)
            if len(claimed) < room:
                return

    async def _wait(self, timeout_s: float) -> None:
        assert self._news is not None
        # News come in bursts; together they cost one look.
        await asyncio.sleep(_TOGETHER_S)
        try:
            async with asyncio.timeout(max(timeout_s, _TOGETHER_S)):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    async def _send(self, message: Outgoing) -> None:
        result = await self._tried(message)
        if result.error is not None:
            log.info("delivery %s by %s: %s", message.id, message.channel, result.error)
        try:
            await asyncio.to_thread(self._deliveries.settle, message, result)
        except Exception:
            log.exception("what came of delivery %s could not be noted; it is tried again", message.id)

    async def _tried(self, message: Outgoing) -> Result:
        sender = self._senders.get(message.channel)
        if sender is None:
            return Result(error=f"This server is not set up for {message.channel}.", is_final=True)
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                return await sender.send(message)
        except TimeoutError:
            return Result(error=f"It took longer than {2 * TIMEOUT_S:g} seconds.")
        except Exception:
            log.exception("delivery %s failed", message.id)
            return Result(error="Sending it failed; the server's log says how.")
