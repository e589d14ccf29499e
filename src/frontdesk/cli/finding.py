"""What a look at one thing of an installation found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` is what to do where it is not well."""

    what: str
    is_well: bool
    told: str
    mend: str = ""
