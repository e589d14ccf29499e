"""The child's end of what ties a process of ours to the one that started it."""

from __future__ import annotations

import ctypes
import io
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def own_descriptors(report_fd: int) -> tuple[int, int]:
    """Control (which was standard input) and reports, kept to ourselves: neither `input()` nor a process of the
    author's may have them."""
    control_fd = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  pathlib is not loaded yet for any other reason
        os.dup2(nothing.fileno(), 0)
    os.set_inheritable(report_fd, False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # the log shows a line when it is printed
    return control_fd, report_fd


def end_with_parent() -> None:
    """Have the system end us with our parent, even while native code holds Python's lock.

    Elsewhere than on Linux whoever reads the control notices, which needs that lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def first_line(fd: int) -> bytes:
    """What the parent says first. Read no further than the line: what follows is orders."""
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := os.read(fd, 1)):
            sys.exit("frontdesk: the parent was gone before it said what to do")
        line += byte
    return line


def end_whole_group() -> None:
    """The parent is gone: end, and with us whatever processes the author's code started."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
