"""Logs as JSON lines on standard error, each with the id of the request it belongs to.

Access lines are collected and written a few times a second by a thread of their own, so a slow
terminal or a full pipe never holds up an answer. A process that is killed loses the last of them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

from frontdesk.declare.faults import whole

_PAUSE_S = 0.2
_BATCH = 100  # small enough that the writing thread never keeps the event loop waiting for long
_STANDARD_ERROR = 2

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is answered in this context."""


class AccessRecord(msgspec.Struct, frozen=True, gc=False):
    """One answered request, as cheap to make as a tuple."""

    at: float
    method: str
    path: str
    status: int
    seconds: float
    request_id: str
    client: tuple[str, int] | None


class _AccessLine(msgspec.Struct, frozen=True):
    time: datetime
    level: str
    event: str
    method: str
    path: str
    status: int
    milliseconds: float
    request_id: str
    client: str


class AccessLog:
    """Collects access records on the event loop and writes them in a thread."""

    def __init__(self, descriptor: int = _STANDARD_ERROR) -> None:
        self._descriptor = descriptor
        self._records: list[AccessRecord] = []
        self._handed_over: queue.SimpleQueue[list[AccessRecord] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what there is, and end."""
        self._hand_over()
        self._handed_over.put(None)
        self._thread.join(timeout=2)

    def append(self, record: AccessRecord) -> None:
        """Note one request; call it on the event loop."""
        if not self._records:
            asyncio.get_running_loop().call_later(_PAUSE_S, self._hand_over)
        self._records.append(record)
        if len(self._records) >= _BATCH:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._records:
            self._handed_over.put(self._records)
            self._records = []

    def _write(self) -> None:
        while (records := self._handed_over.get()) is not None:
            _write_all(self._descriptor, _encoder.encode_lines([_line(record) for record in records]))


_encoder = msgspec.json.Encoder()


def _line(record: AccessRecord) -> _AccessLine:
    return _AccessLine(
        time=datetime.fromtimestamp(record.at, UTC),
        level="info",
        event="request",
        method=record.method,
        path=record.path,
        status=record.status,
        milliseconds=round(record.seconds * 1000, 3),
        request_id=record.request_id,
        client=record.client[0] if record.client else "",
    )


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        # Nobody reads the log any more; the server is not worse for it.
        return


class _LogLine(msgspec.Struct, frozen=True, omit_defaults=True):
    time: datetime
    level: str
    event: str
    logger: str
    request_id: str = ""
    traceback: str = ""


class JsonLines(logging.Formatter):
    """Formats what code logs with the standard library like the access lines beside it."""

    def format(self, record: logging.LogRecord) -> str:
        line = _LogLine(
            time=datetime.fromtimestamp(record.created, UTC),
            level=record.levelname.lower(),
            event=whole(record.getMessage()),
            logger=record.name,
            request_id=request_id.get(),
            traceback=whole(self.formatException(record.exc_info)) if record.exc_info else "",
        )
        return msgspec.json.encode(line).decode()
