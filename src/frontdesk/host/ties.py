"""What a remote model tells the process it lives in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _to_nobody(reason: str) -> None:
    """Nobody asked."""


@dataclass(frozen=True, slots=True)
class Ties:
    """Who hears how the back end is: `ailing` why it does not answer (empty: it does), `ended` that it is gone."""

    ailing: Callable[[str], None] = _to_nobody
    ended: Callable[[str], None] = _to_nobody


UNTIED = Ties()
