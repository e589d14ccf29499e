"""HTTP with a back end: one connection that is kept, JSON both ways, and a deadline for each exchange."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

LARGEST_ANSWER_BYTES = 256 * 2**20
_PIECE_BYTES = 65_536


class Reply(NamedTuple):
    """What came back. `body` is None where it is no JSON."""

    status: int
    body: Any


class RemoteLine:
    """Where a back end is reached. OSError and http.client.HTTPException mean that it is not."""

    def __init__(self, *, url: str = "", socket_path: str = "", port: int = 0) -> None:
        self._url, self._socket_path, self._port = urlsplit(url), socket_path, port
        self._connection: http.client.HTTPConnection | None = None

    def exchange(self, method: str, path: str, body: Any = None, *, within_s: float) -> Reply:
        """One question, one answer. A kept connection that the server closed meanwhile is opened anew."""
        ends_at = time.monotonic() + within_s
        was_kept = self._connection is not None
        try:
            return self._exchange(method, path, body, ends_at)
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            if not was_kept:
                raise
            return self._exchange(method, path, body, ends_at)
        except BaseException:
            self.close()  # what is left of the answer is of no use to the next question
            raise

    def lines(self, path: str, body: Any) -> Iterator[Any]:
        """What a long answer says, line by line; the first is the status. It may take as long as it likes."""
        self.close()
        try:
            response = self._ask("POST", path, body, None)
            yield response.status
            while line := response.readline():
                if line.strip():
                    yield _json(line)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, method: str, path: str, body: Any, ends_at: float) -> Reply:
        response = self._ask(method, path, body, ends_at)
        content = bytearray()
        while piece := response.read1(_PIECE_BYTES):
            content += piece
            if len(content) > LARGEST_ANSWER_BYTES:
                raise http.client.HTTPException("its answer is too large")
            self._patience(ends_at)
        if response.will_close:
            self.close()
        return Reply(response.status, _json(bytes(content)))

    def _ask(self, method: str, path: str, body: Any, ends_at: float | None) -> http.client.HTTPResponse:
        if self._connection is None:
            self._connection = self._open()
        self._patience(ends_at)
        content = None if body is None else msgspec.json.encode(body, enc_hook=plain)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        self._connection.request(method, self._url.path.rstrip("/") + path, content, headers)
        self._patience(ends_at)
        return self._connection.getresponse()

    def _open(self) -> http.client.HTTPConnection:
        if self._url.hostname:
            kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
            return kind(self._url.hostname, self._url.port)
        if os.path.exists(self._socket_path):  # noqa: PTH110
            return _UnixConnection(self._socket_path)
        return http.client.HTTPConnection("127.0.0.1", self._port)

    def _patience(self, ends_at: float | None) -> None:
        """Wait no longer for the next bytes than until then."""
        rest_s = None if ends_at is None else ends_at - time.monotonic()
        if rest_s is not None and rest_s <= 0:
            raise TimeoutError("timed out")
        assert self._connection is not None
        self._connection.timeout = rest_s
        if self._connection.sock is not None:
            self._connection.sock.settimeout(rest_s)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def plain(value: Any) -> Any:
    """What JSON has no word for: arrays become lists, pictures PNG in base64, as bytes do."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "save"):
        import io  # pictures are rare here

        content = io.BytesIO()
        value.save(content, "PNG")
        return content.getvalue()
    raise TypeError(f"{type(value).__name__} is nothing that can be sent to a back end.")


def _json(content: bytes) -> Any:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(content)
    return None
