"""How a server that stops lets nobody stand in line unseen.

A connection that the kernel has accepted, and no process has, is reset when its socket closes. Between the last look
at that line and the close somebody may join it, however short that is. So whoever begins to connect is dropped first,
by a filter in the kernel that all processes with this socket share; then the line can only become shorter. Who was
dropped tries again within a second (RFC 6298, section 2) and is refused, or finds the next server.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from contextlib import suppress

_SO_ATTACH_FILTER = 26  # of Linux's asm-generic/socket.h; Python has no name for it
_TCP_FLAGS, _SYN = 13, 0x02  # RFC 9293, section 3.1: the fourteenth byte of the header, and its second bit
_LOAD_BYTE, _JUMP_IF_SET, _RETURN = 0x30, 0x45, 0x06  # of linux/bpf_common.h
_WHOLE = 0xFFFFFFFF

_DROP_WHO_BEGINS = struct.pack(
    "=HBBIHBBIHBBIHBBI",
    _LOAD_BYTE, 0, 0, _TCP_FLAGS,
    _JUMP_IF_SET, 0, 1, _SYN,
    _RETURN, 0, 0, 0,
    _RETURN, 0, 0, _WHOLE,
)  # fmt: skip


def turn_away(listener: socket.socket) -> None:
    """Drop whoever begins to connect from now on; who stands in line stays there. Elsewhere than on Linux: nothing."""
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_DROP_WHO_BEGINS, len(_DROP_WHO_BEGINS))
    with suppress(OSError):  # a sandbox may forbid it: then a restart is what it is without
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", 4, ctypes.addressof(program))
        )
