"""Who has connected is let in, who begins to is not, once a server turns them away."""

from __future__ import annotations

import socket
import sys

import pytest

from frontdesk.cli.newcomers import turn_away


@pytest.mark.skipif(sys.platform != "linux", reason="is done by Linux")
def test_who_stands_in_line_is_let_in_and_nobody_joins_the_line() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket() as early,
        socket.socket() as late,
    ):
        early.connect(listener.getsockname())
        early.sendall(b"asked before")
        turn_away(listener)
        late.settimeout(0.3)
        with pytest.raises(TimeoutError):
            late.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"asked before"
            early.sendall(b" and after")
            assert accepted.recv(100) == b" and after"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
