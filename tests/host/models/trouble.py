"""A model that does what it is told, bad things included."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Annotated

import frontdesk as fd

_ballast: list[bytearray] = []


def _refuse() -> None:
    raise fd.InvalidInput("do", "This model refuses that.")


def _raise() -> None:
    raise RuntimeError("this model's own code failed")


def _raise_broken_text() -> None:
    raise RuntimeError("\udcff.csv is no table")  # as the name of a file may be


def _refuse_broken_text() -> None:
    raise fd.InvalidInput("do\udcff", "\udcff.csv is no table")


class Trouble(fd.Model):
    """Obeys."""

    task = "trouble"
    name = "obedient"

    def predict(self, do: str = "nothing", x: Annotated[float, fd.Number(ge=0, le=100_000)] = 1.0) -> str:
        orders: dict[str, Callable[[], object]] = {
            "sleep": lambda: time.sleep(x),
            "segfault": lambda: ctypes.string_at(0),
            "exit": lambda: os._exit(int(x)),
            "leave": lambda: sys.exit(3),
            # Python's lock is held all the while: no other thread of the process runs.
            "hold": lambda: ctypes.PyDLL(None).sleep(int(x)),
            "raise": _raise,
            "raise_broken_text": _raise_broken_text,
            "refuse_broken_text": _refuse_broken_text,
            "refuse": _refuse,
            "print": lambda: print("a lot of text " * int(x * 2**20 / 14), flush=True),
            "grow": lambda: _ballast.append(bytearray(b"x" * int(x * 2**20))),
        }
        if do == "ask":
            return f"stdin gave {sys.stdin.read()!r}"
        if do == "breed":
            return str(subprocess.Popen(["sleep", "3600"]).pid)
        orders.get(do, lambda: None)()
        return f"{do} {x:g} by {os.getpid()}"
