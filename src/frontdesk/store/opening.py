"""What a transaction is begun for."""

from __future__ import annotations

from enum import Enum, auto


class Opening(Enum):
    """Reading sees one state of the database; writing sees what others have committed before each statement."""

    READ = auto()
    WRITE = auto()
    WRITE_SOFTLY = auto()  # a power cut may undo it
