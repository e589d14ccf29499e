"""How a run of a job ended, before the desk has heard of it."""

from __future__ import annotations

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


Outcome = Finished | Failed | Released
