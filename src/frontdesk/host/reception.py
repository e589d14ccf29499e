"""The host's doors: a thread that accepts clients, reads calls, and heeds the supervisor.

The model has the main thread to itself, because some libraries insist on it. So everything that must
work while the model is busy happens here: reading what else comes in (it is the next batch),
dropping what was cancelled, and ending the process when its supervisor is gone. Handing a call from
one thread to the other was measured to cost 13 microseconds, of 70 for a call that does nothing.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from frontdesk.host.batching import Line, WaitingCall
from frontdesk.host.framing import FrameReader, append_frame
from frontdesk.host.messages import Begun, Call, Cancel, Dropped, HostReport, Leaving, Message, ToHost
from frontdesk.host.parent import end_whole_group

_PIECE_BYTES = 256 * 1024
_REPORT_EVERY_S = 1.0
_DRAIN_LOOK_S = 0.05

_decoder: msgspec.msgpack.Decoder[ToHost] = msgspec.msgpack.Decoder(Call | Cancel)


class Connection:
    """One client. Any thread may send; only the reception reads."""

    def __init__(self, sock: socket.socket, must_flush: Callable[[Connection], None]) -> None:
        self.socket, self.frames = sock, FrameReader()
        self.open_for_calls = True
        self._must_flush = must_flush
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._gone = False

    @property
    def unsent(self) -> bool:
        """Something waits until the socket takes more."""
        return bool(self._unsent) and not self._gone

    @property
    def settled(self) -> bool:
        """Nothing more comes, and all that was said has been sent or never can be."""
        return not self.open_for_calls and not self.unsent

    def send(self, messages: Sequence[Message]) -> None:
        """Send now what the socket takes now; the reception sends the rest. Never blocks or raises."""
        data = bytearray()
        for message in messages:
            append_frame(data, message)
        with self._lock:
            self._unsent += data
            done = self._send_some()
        if not done:
            self._must_flush(self)

    def close(self) -> None:
        """Forget what was not sent, and the client."""
        with self._lock:
            self._gone = True
            self.socket.close()

    def flush(self) -> bool:
        """Send more; True when nothing is left to send."""
        with self._lock:
            return self._send_some()

    def _send_some(self) -> bool:
        while self._unsent and not self._gone:
            try:
                sent = self.socket.send(self._unsent)
            except BlockingIOError:
                return False
            except OSError:
                # The client died; the reader hears of it too and does the rest.
                self._gone = True
                break
            del self._unsent[:sent]
        return True


class Reception:
    """Owns the sockets. `start` it, then take calls from `line`."""

    def __init__(self, address: str, control_fd: int, report_fd: int) -> None:
        self.line = Line()
        self._control_fd, self._report_fd = control_fd, report_fd
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(address)
        self._listener.listen(128)
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._connections: set[Connection] = set()
        self._to_flush: list[Connection] = []
        self._draining = False
        self._ailment = ""
        self._reported = (0, 0, "")
        self._report_at = 0.0
        self._buffer = memoryview(bytearray(_PIECE_BYTES))

    def start(self) -> None:
        """Begin, on a thread that does not keep the process alive."""
        for sock in (self._listener, self._wake_receiver, self._wake_sender):
            sock.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ, self._watch_unsent)
        self._selector.register(self._control_fd, selectors.EVENT_READ, self._heed)
        threading.Thread(target=self._run, name="reception", daemon=True).start()

    def report(self, report: HostReport) -> None:
        """Tell the supervisor. One short write, so that reports of two threads do not mix."""
        os.write(self._report_fd, msgspec.json.encode(report) + b"\n")

    def report_alive(self) -> None:
        """Tell the supervisor how many calls were answered and are in hand, if that has changed."""
        state = self._state()
        if state != self._reported:
            self._reported = state
            self.report(HostReport(event="alive", calls=state[0], in_hand=state[1], reason=state[2]))

    def note_ailment(self, reason: str) -> None:
        """Say with the next reports why a loaded model cannot answer just now; empty: it can."""
        self._ailment = reason
        self.report_alive()

    def _state(self) -> tuple[int, int, str]:
        return self.line.answered, self.line.in_hand, self._ailment

    # ---------------------------------------------------------------------- the thread

    def _run(self) -> None:
        while not (self._draining and self._all_said()):
            for key, events in self._selector.select(self._patience_s()):
                if isinstance(key.data, Connection):
                    self._attend(key.data, events)
                else:
                    key.data()
            if time.monotonic() >= self._report_at:
                self._report_at = time.monotonic() + _REPORT_EVERY_S
                self.report_alive()
        self.line.close()

    def _patience_s(self) -> float | None:
        if self._draining:
            return _DRAIN_LOOK_S
        # Answers are sent by another thread, so while calls are in hand the count may change unseen.
        return _REPORT_EVERY_S if self.line.in_hand or self._reported != self._state() else None

    def _all_said(self) -> bool:
        return self.line.in_hand == 0 and all(connection.settled for connection in self._connections)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # the client was gone before its turn came
            return
        sock.setblocking(False)
        connection = Connection(sock, self._must_flush)
        self._connections.add(connection)
        self._selector.register(sock, selectors.EVENT_READ, connection)
        if self._draining:
            connection.send([Leaving()])

    def _attend(self, connection: Connection, events: int) -> None:
        if events & selectors.EVENT_WRITE and connection.flush():
            self._watch(connection)
        if events & selectors.EVENT_READ:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            size = connection.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if size == 0:
            self._hang_up(connection)
            return
        try:
            for frame in connection.frames.feed(self._buffer[:size]):
                self._receive(connection, _decoder.decode(frame))
        except ValueError as error:  # msgspec's errors are ValueErrors too
            sys.stderr.write(f"frontdesk: a client sent what is no message ({error}) and was cut off\n")
            self._hang_up(connection)
        self.line.ring()

    def _receive(self, connection: Connection, message: ToHost) -> None:
        if isinstance(message, Call):
            self.line.add(WaitingCall((connection, message.id), message.inputs, message.solo, message.rows))
            return
        key = (connection, message.id)
        if self.line.withdraw(key):
            connection.send([Dropped(message.id)])
        elif (seconds := self.line.running_s(key)) is not None:
            connection.send([Begun(message.id, seconds)])

    def _hang_up(self, connection: Connection) -> None:
        """No call will come from this client any more."""
        connection.open_for_calls = False
        if self._draining:
            # It closed only its sending side, as it was asked to, and waits for its answers.
            self._watch(connection)
            return
        self.line.withdraw_all(connection)
        self._selector.unregister(connection.socket)
        self._connections.discard(connection)
        connection.close()

    def _must_flush(self, connection: Connection) -> None:
        """Called on any thread: a socket is full, so watch for when it is not."""
        self._to_flush.append(connection)
        with contextlib.suppress(BlockingIOError):  # full means that it will wake anyway
            self._wake_sender.send(b"!")

    def _watch_unsent(self) -> None:
        self._wake_receiver.recv(4096)
        while self._to_flush:
            connection = self._to_flush.pop()
            if connection in self._connections:
                self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        """Watch for exactly what can still happen on this connection."""
        events = selectors.EVENT_READ if connection.open_for_calls else 0
        if connection.unsent:
            events |= selectors.EVENT_WRITE
        known = connection.socket in self._selector.get_map()
        if events and known:
            self._selector.modify(connection.socket, events, connection)
        elif events:
            self._selector.register(connection.socket, events, connection)
        elif known:
            self._selector.unregister(connection.socket)

    def _heed(self) -> None:
        """The supervisor says drain, or is gone."""
        if not os.read(self._control_fd, 4096):
            end_whole_group()
        if self._draining:
            return
        self._draining = True
        self._selector.unregister(self._listener)
        self._listener.close()
        for connection in self._connections:
            connection.send([Leaving()])
