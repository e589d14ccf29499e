"""What an error of a database server means for whoever wanted something of it."""

from __future__ import annotations

from enum import Enum, auto


class Fault(Enum):
    """What is to be done about it."""

    COLLISION = auto()
    """Two transactions were in each other's way and this one was undone: do it once more."""
    AWAY = auto()
    """The server is not there, or has no time or room: what was asked can be asked again later."""
    REFUSED = auto()
    """It does not let us in, or has no such database: a setting is wrong."""
    OURS = auto()
    """What was asked is wrong."""
