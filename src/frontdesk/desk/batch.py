"""The documents of a batch job: what it is to do, and what came of it."""

from __future__ import annotations

import msgspec


class BatchPayload(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch job keeps beside its input file. `strict`: one row without an answer fails the job."""

    format: str = "xlsx"
    strict: bool = False


class BatchOutputs(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: how many rows there were, how many have no answer, and which columns were added."""

    rows: int
    failed_rows: int
    columns: list[str]
    format: str
