"""The worker's end of its carrier: keeps one running, sends it orders, knows whether the cluster is there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from frontdesk.errors import HostUnreachable
from frontdesk.host.child import how_it_ended
from frontdesk.host.framing import FrameReader, append_frame
from frontdesk.host.group import ProcessGroup
from frontdesk.host.messages import Message
from frontdesk.run.cluster.messages import (
    ALIVE,
    END,
    Abandon,
    CarrierSpec,
    CarrierState,
    Done,
    Order,
    Refusal,
    deliver,
    encode,
)

log = logging.getLogger(__name__)

_PAUSE_S = 0.5
_LOOK_EVERY_S = 0.05
_ENDING_S = 5.0
_REASSURE_EVERY_S = 1.0
_AWAY = "The Ray cluster cannot be reached; the job waits until it can."

_decoder: msgspec.msgpack.Decoder[Done | Refusal] = msgspec.msgpack.Decoder(Done | Refusal)


class ClusterLine:
    """For use on one event loop, from `start` on; `is_up` may be looked at from any thread."""

    def __init__(self, spec: CarrierSpec) -> None:
        self._spec = spec
        self.came_up: Callable[[], None] = _nothing
        self._socket = Path(spec.socket)
        self._keeping: asyncio.Task[None] | None = None
        self._connection: _Connection | None = None
        self._reports = b""
        self.generation = 0
        self.is_up, self.reason = False, "The Ray cluster has not been reached yet."

    def start(self) -> None:
        """Have a carrier, and another one whenever it ends."""
        self._keeping = asyncio.create_task(self._keep())

    async def order(self, verb: str, body: msgspec.Struct | bytes) -> bytes:
        """Have something done. Raises what went wrong; HostUnreachable when the cluster, or its carrier, is gone."""
        connection = self._connection
        if connection is None or not self.is_up:
            raise HostUnreachable(_AWAY)
        return await connection.order(verb, body if isinstance(body, bytes) else encode(body))

    async def close(self) -> None:
        """End the carrier, and with it all that it has on the cluster."""
        self.is_up = False
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    # ------------------------------------------------------------------ keeping a carrier

    async def _keep(self) -> None:
        while True:
            try:
                await self._live()
            except OSError:
                log.exception("the carrier to the Ray cluster cannot be started")
            await asyncio.sleep(_PAUSE_S)

    async def _live(self) -> None:
        """One carrier, from start to end."""
        self._socket.unlink(missing_ok=True)
        self._reports = b""
        order = msgspec.json.encode(self._spec)
        group = await ProcessGroup.start(
            "frontdesk.run.cluster.carrier", order, reported=self._hear, printed=_note
        )
        reassuring = asyncio.create_task(self._reassure(group))
        connecting = asyncio.create_task(self._connect())
        try:
            code = await group.ended()
        except asyncio.CancelledError:
            group.tell(END)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ENDING_S):
                    await group.ended()
            group.kill()
            raise
        finally:
            reassuring.cancel()
            connecting.cancel()
            self._lose()
        self._is_away(self.reason or how_it_ended(code))

    async def _reassure(self, group: ProcessGroup) -> None:
        """Say again and again that this worker is there."""
        while True:
            group.tell(ALIVE)
            await asyncio.sleep(min(_REASSURE_EVERY_S, self._spec.silence_s / 4))

    async def _connect(self) -> None:
        while not self._socket.exists():  # noqa: ASYNC110  another process makes it
            await asyncio.sleep(_LOOK_EVERY_S)
        loop = asyncio.get_running_loop()
        _, made = await loop.create_unix_connection(_Connection, str(self._socket))
        self._connection = made
        self.generation += 1

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _hear(self, data: bytes) -> None:
        *lines, self._reports = (self._reports + data).split(b"\n")
        for line in lines:
            state = msgspec.json.decode(line, type=CarrierState)
            if state.is_up:
                log.info("jobs are done on the Ray cluster at %s", self._spec.address)
                self.is_up, self.reason = True, ""
                self.came_up()
            else:
                self._is_away(state.reason)

    def _is_away(self, reason: str) -> None:
        if self.is_up or reason != self.reason:
            log.warning("jobs wait for the Ray cluster at %s: %s", self._spec.address, reason)
        self.is_up, self.reason = False, reason


class _Connection(asyncio.Protocol):
    """Orders that are under way."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._last_id = 0

    async def order(self, verb: str, body: bytes) -> bytes:
        """Send one and wait for what comes of it."""
        self._last_id += 1
        number = self._last_id
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            self._send(Order(number, verb, body))
            return await waiting
        except asyncio.CancelledError:
            with contextlib.suppress(HostUnreachable):
                self._send(Abandon(number))
            raise
        finally:
            self._waiting.pop(number, None)

    def close(self) -> None:
        """What is under way ends with HostUnreachable."""
        self._transport.close()

    def _send(self, message: Message) -> None:
        if self._transport.is_closing():
            raise HostUnreachable(_AWAY)
        frame = bytearray()
        append_frame(frame, message)
        self._transport.write(frame)

    # ------------------------------------------------------------- asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            message = _decoder.decode(frame)
            deliver(message, self._waiting.get(message.id))

    def connection_lost(self, error: Exception | None) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(HostUnreachable(_AWAY))


def _nothing() -> None:
    """Nobody wants to know."""


def _note(printed: bytes) -> None:
    """Ray's own words, for whoever looks into the log closely."""
    if text := printed.decode(errors="replace").strip():
        log.debug("the carrier to the Ray cluster says: %s", text)
