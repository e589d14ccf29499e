"""One connection from a client to a host: calls go out together, answers find who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from frontdesk.errors import CallTimeout, Fault, HostError, InvalidInput, NoAnswer, PredictFailed
from frontdesk.host.framing import FrameReader, FrameTooLarge, append_frame
from frontdesk.host.messages import (
    Answer,
    Begun,
    Call,
    Cancel,
    Dropped,
    Failed,
    FromHost,
    Leaving,
    Message,
    Refused,
)

_STUCK_AFTER_S = 0.5
"""A host that says nothing to a Cancel for so long does not even read any more."""

_decoder: msgspec.msgpack.Decoder[FromHost] = msgspec.msgpack.Decoder(
    Begun | Answer | Refused | Failed | Dropped | Leaving
)


class HostLost(HostError):
    """The host went away before it answered. `begun`: while it worked on this very call, alone."""

    def __init__(self, begun: bool) -> None:
        self.begun = begun
        super().__init__("The host went away.")


class HostAnswer(msgspec.Struct, frozen=True, gc=False):
    """What a model answered: outputs as JSON, the version that gave them, seconds its code took."""

    version: int
    outputs: bytes
    seconds: float


class PendingCall:
    """A call on its way. Await `answer`; it raises what went wrong."""

    __slots__ = ("answer", "begun", "deadline", "id", "timeout_s")

    def __init__(
        self, number: int, answer: asyncio.Future[HostAnswer], deadline: float, timeout_s: float
    ) -> None:
        self.id, self.answer, self.deadline, self.timeout_s = number, answer, deadline, timeout_s
        self.begun = False


@dataclass(slots=True)
class _Chase:
    """A call nobody waits for, which the host may yet be working on for `allowed_s` in all."""

    allowed_s: float
    reason: str
    is_running: bool = False


class Link(asyncio.Protocol):
    """The client's end of a call socket."""

    def __init__(self, version: int, kill: Callable[[str], None], gone: Callable[[Link], None]) -> None:
        """`kill` has the host ended for a reason; `gone` is told when no more calls may be sent here."""
        self.version = version
        self._kill, self._gone = kill, gone
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader()
        self._pending: dict[int, PendingCall] = {}
        self._chased: dict[int, _Chase] = {}
        self._unsent = bytearray()
        self._last_id = 0
        self._leaving = False
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        """Calls may be sent here."""
        return not self._leaving and not self._transport.is_closing()

    # ------------------------------------------------------------------------- asking

    def send(self, inputs: Any, *, solo: bool, timeout_s: float, rows: int = 0) -> PendingCall:
        """Send a call, together with all others of this turn of the loop."""
        self._last_id += 1
        try:
            self._put(Call(self._last_id, inputs, solo, rows))
        except FrameTooLarge:
            raise InvalidInput.of([Fault("/inputs", "This is too large for a model to receive.")]) from None
        deadline = self._loop.time() + timeout_s
        call = PendingCall(self._last_id, self._loop.create_future(), deadline, timeout_s)
        self._pending[call.id] = call
        if self._alarm is None or deadline < self._alarm.when():
            self._set_alarm(deadline)
        return call

    def forget(self, call: PendingCall, *, kill: bool) -> None:
        """Nobody waits for this call any more. With `kill`, not even the model shall go on with it."""
        if self._pending.pop(call.id, None) is not None:
            if kill:
                self._chase(call.id, _Chase(0.0, "A call was cancelled while the model worked on it."))
            else:
                self._put(Cancel(call.id))

    def _put(self, message: Message) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        append_frame(self._unsent, message)

    def _flush(self) -> None:
        if self._unsent and not self._transport.is_closing():
            self._transport.write(self._unsent)
            self._unsent = bytearray()

    def close(self) -> None:
        """Leave. What is still waited for ends with HostLost."""
        self._transport.close()

    # ------------------------------------------------------------- asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self._receive(_decoder.decode(frame))

    def connection_lost(self, error: Exception | None) -> None:
        self._gone(self)
        if self._alarm is not None:
            self._alarm.cancel()
        self._chased.clear()
        pending, self._pending = self._pending, {}
        for call in pending.values():
            if not call.answer.done():
                call.answer.set_exception(HostLost(call.begun))

    # ---------------------------------------------------------------- what the host says

    def _receive(self, message: FromHost) -> None:
        if isinstance(message, Leaving):
            self._leave()
            return
        if isinstance(message, Begun):
            self._note_begun(message)
            return
        self._chased.pop(message.id, None)
        call = self._pending.pop(message.id, None)
        if call is None or call.answer.done():
            return
        if isinstance(message, Answer):
            call.answer.set_result(HostAnswer(self.version, message.outputs, message.seconds))
        elif isinstance(message, Refused):
            call.answer.set_exception(InvalidInput.of([Fault(*fault) for fault in message.faults]))
        elif isinstance(message, Failed):
            away = message.retry_after_s
            call.answer.set_exception(
                NoAnswer(message.reason, away) if away else PredictFailed(message.reason)
            )

    def _leave(self) -> None:
        """The host drains: what was sent is still answered, and the closed side tells it that this is all."""
        self._gone(self)
        if not self._leaving:
            self._leaving = True
            self._flush()
            self._transport.write_eof()

    def _note_begun(self, message: Begun) -> None:
        if (call := self._pending.get(message.id)) is not None:
            call.begun = True
        elif (chase := self._chased.get(message.id)) is not None:
            chase.is_running = True
            self._loop.call_later(max(chase.allowed_s - message.seconds, 0.0), self._end, message.id)

    # -------------------------------------------------------- calls that took too long

    def _set_alarm(self, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._sound_alarm)

    def _sound_alarm(self) -> None:
        self._alarm = None
        now = self._loop.time()
        for call in [call for call in self._pending.values() if call.deadline <= now]:
            del self._pending[call.id]
            if not call.answer.done():
                call.answer.set_exception(
                    CallTimeout(f"The model did not answer within {call.timeout_s:g} s.")
                )
            self._chase(call.id, _Chase(call.timeout_s, f"A call took longer than {call.timeout_s:g} s."))
        if self._pending:
            self._set_alarm(min(call.deadline for call in self._pending.values()))

    def _chase(self, call_id: int, chase: _Chase) -> None:
        """Have the host drop the call, or be ended once it has worked on it for as long as it may.

        A call that merely waited in line for too long is dropped, and costs nobody their model.
        """
        if self._leaving:
            return  # nothing can be sent any more, and the supervisor's patience with it is limited
        self._chased[call_id] = chase
        self._put(Cancel(call_id))
        self._loop.call_later(_STUCK_AFTER_S, self._end_if_silent, call_id)

    def _end_if_silent(self, call_id: int) -> None:
        chase = self._chased.get(call_id)
        if chase is not None and not chase.is_running:
            self._end(call_id)

    def _end(self, call_id: int) -> None:
        if (chase := self._chased.pop(call_id, None)) is not None:
            self._kill(chase.reason)
