"""A version of a model: what is known of it, and its files wherever `Artifacts` has them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from frontdesk.catalog.artifacts import Artifacts, size_of
from frontdesk.store.ids import new_id
from frontdesk.store.verified import Kept


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a version was made of, where that is known, and its archive, where machines share its files."""

    owner: str = ""
    seed: int = 0
    data: str = ""  # its name
    data_sha256: str = ""
    code_sha256: str = ""
    libraries: dict[str, str] = {}
    duration_s: float = 0.0
    size_bytes: int = 0
    was_cancelled: bool = False
    archive: Kept | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One set of weights of a model, and what made it. Its files are had by `Versions.hold`."""

    task: str
    model: str
    number: int
    folder: Path
    metrics: Mapping[str, Any]
    parameters: Mapping[str, Any]
    created_at: datetime
    is_live: bool
    job: str | None = None
    origin: Origin = Origin()
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The files of a version that is about to be one: they are where they will stay."""

    id: str
    size_bytes: int
    archive: Kept | None


def placed_in(artifacts: Artifacts, task: str, model: str, staged: Path) -> Placed:
    """Put the files in `staged` there for a new version; see `Versions.place`."""
    version_id, size_bytes = new_id(), size_of(staged)
    archive = artifacts.put(key_of(task, model, version_id), staged)
    return Placed(id=version_id, size_bytes=size_bytes, archive=archive)


def held_in(artifacts: Artifacts, version: VersionRecord) -> AbstractContextManager[Path]:
    """The files of a version that lie there; see `Versions.hold`."""
    if not version.id:  # it is implicit
        return contextlib.nullcontext(version.folder)
    name = f"version {version.number} of {version.model} of {version.task}"
    return artifacts.hold(key_of(version.task, version.model, version.id), version.origin.archive, name)


def implicit_version(task: str, model: str) -> VersionRecord:
    """The one version of a model that is not trained here: there is no row of it, and nothing in its folder."""
    return VersionRecord(
        task=task,
        model=model,
        number=1,
        folder=Path("/nonexistent"),
        metrics={},
        parameters={},
        created_at=datetime.fromtimestamp(0, UTC),
        is_live=True,
    )


def key_of(task: str, model: str, version_id: str) -> str:
    """What its files lie under."""
    return f"{task}/{model}/{version_id}"
