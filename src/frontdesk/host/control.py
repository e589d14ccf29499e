"""The control socket, both ends: who knows where models live, and who asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar, cast

import msgspec

from frontdesk.errors import HostUnreachable
from frontdesk.host.framing import FrameReader, append_frame
from frontdesk.host.messages import (
    Done,
    Ensure,
    Follow,
    FromSupervisor,
    Kill,
    Located,
    LogRead,
    Message,
    ReadLog,
    Restart,
    Survey,
    Surveyed,
    ToSupervisor,
)

log = logging.getLogger(__name__)

_PAUSE_S = 0.05

_questions: msgspec.msgpack.Decoder[ToSupervisor] = msgspec.msgpack.Decoder(
    Ensure | Follow | Kill | Restart | Survey | ReadLog
)
_replies: msgspec.msgpack.Decoder[FromSupervisor] = msgspec.msgpack.Decoder(
    Located | Done | Surveyed | LogRead
)

Reply = TypeVar("Reply", Located, Done, Surveyed, LogRead)
Respond = Callable[[ToSupervisor], Awaitable[FromSupervisor]]


class _ControlProtocol(asyncio.Protocol):
    """What both ends share."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, message: Message) -> None:
        data = bytearray()
        append_frame(data, message)
        self.transport.write(data)


# ------------------------------------------------------------------------ the supervisor's end


class ControlServer:
    """Answers whoever connects to `address`, each question in a task of its own: some take long."""

    def __init__(self, address: Path, respond: Respond) -> None:
        self._address, self._respond = address, respond
        self._ends: set[_Answering] = set()

    async def start(self) -> None:
        """Listen. What an earlier supervisor left there is replaced."""
        self._address.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: _Answering(self._respond, self._ends), str(self._address)
        )

    async def stop(self) -> None:
        """Hang up on everybody."""
        self._server.close()
        for end in list(self._ends):
            end.transport.close()
        self._address.unlink(missing_ok=True)


class _Answering(_ControlProtocol):
    def __init__(self, respond: Respond, ends: set[_Answering]) -> None:
        super().__init__()
        self._respond, self._ends = respond, ends
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._ends.add(self)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            task = asyncio.create_task(self._answer(_questions.decode(frame)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: ToSupervisor) -> None:
        try:
            self.send(await self._respond(question))
        except Exception:
            log.exception("a question about hosts could not be answered")
            self.transport.close()  # so that whoever asked does not wait for ever

    def connection_lost(self, error: Exception | None) -> None:
        self._ends.discard(self)
        for task in self._tasks:
            task.cancel()


# ---------------------------------------------------------------------------- the client's end


class ControlLine:
    """Asks the supervisor; connects when there is something to ask, and again after it was lost."""

    def __init__(self, address: Path) -> None:
        self._address = address
        self._end: _Asking | None = None
        self._connecting = asyncio.Lock()
        self._last_id = 0

    async def ask(self, question: ToSupervisor, reply: type[Reply], *, patience_s: float) -> Reply:
        """Ask until there is an answer.

        A supervisor that cannot be reached is tried for `patience_s`: it may be starting. One that
        can be reached may take as long as it likes, because a model may take long to load.
        """
        loop = asyncio.get_running_loop()
        self._last_id += 1
        question = msgspec.structs.replace(question, id=self._last_id)
        give_up_at = loop.time() + patience_s
        while True:
            try:
                end = await self._connected()
                try:
                    answer = await end.ask(question)
                finally:
                    give_up_at = loop.time() + patience_s
                assert isinstance(answer, reply)
                return answer
            except OSError:
                if loop.time() >= give_up_at:
                    raise HostUnreachable(
                        "The process that looks after the models cannot be reached. It may be starting or stopping; "
                        "try again shortly."
                    ) from None
            await asyncio.sleep(_PAUSE_S)

    async def _connected(self) -> _Asking:
        async with self._connecting:
            if self._end is None or self._end.transport.is_closing():
                loop = asyncio.get_running_loop()
                _, self._end = await loop.create_unix_connection(_Asking, str(self._address))
            return self._end

    def close(self) -> None:
        """Hang up."""
        if self._end is not None:
            self._end.transport.close()


class _Asking(_ControlProtocol):
    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[int, asyncio.Future[FromSupervisor]] = {}

    async def ask(self, question: ToSupervisor) -> FromSupervisor:
        if self.transport.is_closing():
            raise ConnectionResetError
        answer: asyncio.Future[FromSupervisor] = asyncio.get_running_loop().create_future()
        self._asked[question.id] = answer
        self.send(question)
        try:
            return await answer
        finally:
            self._asked.pop(question.id, None)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            reply = _replies.decode(frame)
            answer = self._asked.get(reply.id)
            if answer is not None and not answer.done():
                answer.set_result(reply)

    def connection_lost(self, error: Exception | None) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError())
