"""How a run of a job ended, before the desk has heard of it."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from frontdesk.desk.job import Failure


@dataclass(frozen=True, slots=True)
class Finished:
    """The model answered: outputs as JSON, and the version that gave them."""

    outputs: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Failed:
    """It cannot be done."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Released:
    """It was not tried and keeps its place in line."""


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def no_room(error: OSError, what: str) -> Failed:
    """Its owner hears that there is no room. Anything else that the system refuses is no business of theirs: raised."""
    if error.errno not in _NO_ROOM:
        raise error
    return Failed(Failure(f"There is no room {what}: {error.strerror}."))


Outcome = Finished | Failed | Released
