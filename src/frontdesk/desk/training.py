"""The documents of a train job: what it is to do, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class TrainPayload(msgspec.Struct, frozen=True, kw_only=True):
    """What a train job keeps: parameters in wire form, the seed, and the file to learn from, if one was chosen."""

    parameters: dict[str, Any]
    seed: int
    data: str | None = None


class TrainOutputs(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    version: int
    is_live: bool
    metrics: Mapping[str, Any]
