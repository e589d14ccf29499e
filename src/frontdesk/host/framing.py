"""Frames on a byte stream: a 4-byte big-endian length, and that many bytes of MessagePack."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from frontdesk.host.messages import FRAME_LIMIT_BYTES, Message

_LENGTH = struct.Struct(">I")
_BLANK = bytes(_LENGTH.size)
_encoder = msgspec.msgpack.Encoder()


class FrameTooLarge(ValueError):
    """A frame is longer than any honest message."""


def append_frame(buffer: bytearray, message: Message) -> None:
    """Put a message at the end of what is to be sent. What was there before stays as it was on failure."""
    start = len(buffer)
    buffer += _BLANK
    try:
        _encoder.encode_into(message, buffer, -1)
        size = len(buffer) - start - _LENGTH.size
        if size > FRAME_LIMIT_BYTES:
            raise FrameTooLarge(f"a message of {size} bytes is larger than the {FRAME_LIMIT_BYTES} allowed")
    except BaseException:
        del buffer[start:]
        raise
    _LENGTH.pack_into(buffer, start, size)


class FrameReader:
    """Cuts what arrives, in pieces of any size, into frames."""

    __slots__ = ("_kept", "_needed")

    def __init__(self) -> None:
        self._kept = bytearray()
        self._needed = _LENGTH.size

    def feed(self, piece: bytes | bytearray | memoryview) -> Iterator[memoryview]:
        """Give each frame that is complete. They are views: use them before feeding more."""
        if self._kept:
            self._kept += piece
            if len(self._kept) < self._needed:
                return
            # A fresh buffer takes the rest: the old one cannot shrink while there are views of it.
            view = memoryview(self._kept)
            self._kept = bytearray()
        else:
            view = memoryview(piece)
        at, end = 0, len(view)
        self._needed = _LENGTH.size
        while end - at >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(view, at)
            if size > FRAME_LIMIT_BYTES:
                raise FrameTooLarge(f"a frame of {size} bytes is larger than the {FRAME_LIMIT_BYTES} allowed")
            if end - at - _LENGTH.size < size:
                self._needed = _LENGTH.size + size
                break
            at += _LENGTH.size
            yield view[at : at + size]
            at += size
        self._kept += view[at:]
