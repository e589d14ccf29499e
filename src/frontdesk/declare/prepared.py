"""Have msgspec look at our structs before several threads do.

It learns a struct's fields when it first decodes one, and a second thread that decodes the same struct meanwhile finds
them half learned: the process ends with a segmentation fault (msgspec 0.22, seen when two sources were described at
once). So every process that has threads calls this first, while it is alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec


def prepare_structs() -> None:
    """Look at all structs of ours that have been imported."""
    for kind in _ours(msgspec.Struct):
        with contextlib.suppress(TypeError):  # it is never decoded
            msgspec.msgpack.Decoder(kind)


def _ours(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for inner in kind.__subclasses__():
        if inner.__module__.startswith("frontdesk."):
            yield inner
        yield from _ours(inner)
