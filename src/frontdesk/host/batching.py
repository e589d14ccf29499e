"""Which waiting calls leave together. There is no timer: whoever is free takes whatever waits.

Two threads share a `Line`: the one that receives calls adds and withdraws, the one that has the
model takes. Each step is a single operation on a deque or a dict, which Python makes atomic; so
the hot path has no lock but the bell that an idle taker sleeps on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from frontdesk.host.messages import Message


class Client(Protocol):
    """Whoever sent a call and can be told."""

    def send(self, messages: Sequence[Message]) -> None: ...


CallKey = tuple[Client, int]
"""A client, and the number it gave its call."""


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call in line. A `solo` one shares no batch, nor does one of many `rows`."""

    key: CallKey
    inputs: dict[str, Any]
    solo: bool = False
    rows: int = 0

    @property
    def is_alone(self) -> bool:
        """Whether it makes a batch of its own."""
        return self.solo or self.rows > 0


class Line:
    """Calls, in the order they came."""

    def __init__(self) -> None:
        self._calls: deque[WaitingCall] = deque()
        self._unbegun: dict[CallKey, WaitingCall] = {}
        self._begun_at: dict[CallKey, float] = {}
        self._bell = threading.Lock()
        self._bell.acquire()
        self._closed = False
        self.received = 0
        self.answered = 0
        self.dropped = 0

    @property
    def in_hand(self) -> int:
        """Calls that have neither been answered nor dropped."""
        return self.received - self.answered - self.dropped

    # ------------------------------------------------------------------ who receives calls

    def add(self, call: WaitingCall) -> None:
        """Let a call join. Ring once all that came together have joined."""
        self.received += 1
        self._unbegun[call.key] = call
        self._calls.append(call)

    def ring(self) -> None:
        """Wake the taker."""
        # Only this thread releases the lock, so it cannot be released twice in between.
        if self._bell.locked():
            self._bell.release()

    def withdraw(self, key: CallKey) -> bool:
        """Take a call out of the line. False: it has begun, or was answered already."""
        if self._unbegun.pop(key, None) is None:
            return False
        self.dropped += 1
        return True

    def running_s(self, key: CallKey) -> float | None:
        """For how many seconds the call has run; None when it is not running."""
        began = self._begun_at.get(key)
        return None if began is None else time.monotonic() - began

    def withdraw_all(self, client: Client) -> None:
        """Take all calls of a client out of the line."""
        for key in list(self._unbegun):
            if key[0] is client:
                self.withdraw(key)

    def close(self) -> None:
        """No call will come any more: what waits can still be taken, then `take` gives nothing."""
        self._closed = True
        self.ring()

    # ------------------------------------------------------------------- who has the model

    def take(self, limit: int) -> list[WaitingCall]:
        """Wait for calls and take up to `limit`; none when the line is closed and empty."""
        while True:
            while not self._calls:
                if self._closed:
                    return []
                self._bell.acquire()
            if batch := self._cut(limit):
                return batch

    def finished(self, batch: list[WaitingCall]) -> None:
        """The calls of this batch are answered."""
        for call in batch:
            self._begun_at.pop(call.key, None)
        self.answered += len(batch)

    def _cut(self, limit: int) -> list[WaitingCall]:
        batch: list[WaitingCall] = []
        now = time.monotonic()
        while self._calls and len(batch) < limit:
            if batch and self._calls[0].is_alone:
                break
            call = self._calls.popleft()
            # Noted as begun before it stops being unbegun: a cancellation always finds it somewhere.
            self._begun_at[call.key] = now
            if self._unbegun.pop(call.key, None) is None:
                del self._begun_at[call.key]
                continue
            batch.append(call)
            if call.is_alone:
                break
        return batch
