"""Versions of a model: list, make one live, delete, download."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from frontdesk.access.rules import Action
from frontdesk.catalog.bundle import bundle
from frontdesk.catalog.version import VersionRecord
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.errors import NotFound
from frontdesk.serve.api.reading import json_response, known_query
from frontdesk.serve.asking import asker_of
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require

_DIGITS = 9


class VersionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One version: what it measured, and what it was made of. `job` is the training that made it."""

    number: int
    is_live: bool
    metrics: dict[str, Any]
    parameters: dict[str, Any]
    created_at: datetime
    job: str | None
    owner: str
    seed: int
    data: str
    data_sha256: str
    code_sha256: str
    libraries: dict[str, str]
    duration_s: float
    size_bytes: int
    was_cancelled: bool


class VersionsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All versions of a model, the newest first."""

    items: list[VersionDocument]
    next: None = None


def version_document(version: VersionRecord) -> VersionDocument:
    """A version as the API shows it."""
    origin = version.origin
    return VersionDocument(
        number=version.number,
        is_live=version.is_live,
        metrics=dict(version.metrics),
        parameters=dict(version.parameters),
        created_at=version.created_at,
        job=version.job,
        owner=origin.owner,
        seed=origin.seed,
        data=origin.data,
        data_sha256=origin.data_sha256,
        code_sha256=origin.code_sha256,
        libraries=origin.libraries,
        duration_s=origin.duration_s,
        size_bytes=origin.size_bytes,
        was_cancelled=origin.was_cancelled,
    )


async def list_versions(request: Request) -> Response:
    """GET /api/tasks/{task}/models/{model}/versions"""
    known_query(request)
    card, model = model_of(request)
    require(request, Action.ASK, card.name)
    found = await in_thread(services_of(request).versions.list, card.name, model.name)
    return json_response(VersionsDocument(items=[version_document(version) for version in found]))


async def go_live(request: Request) -> Response:
    """POST /api/tasks/{task}/models/{model}/versions/{n}/live"""
    card, model = model_of(request)
    require(request, Action.TRAIN, card.name)
    version = await make_live(services_of(request), card, model, number_of(request))
    await record(request, "version.live", f"{card.name}.{model.name}", version=version.number)
    return json_response(version_document(version))


async def remove_version(request: Request) -> Response:
    """DELETE /api/tasks/{task}/models/{model}/versions/{n}"""
    card, model = model_of(request)
    require(request, Action.TRAIN, card.name)
    number = number_of(request)
    await in_thread(services_of(request).versions.remove, card.name, model.name, number)
    await record(request, "version.removed", f"{card.name}.{model.name}", version=number)
    return Response(status_code=204)


async def download_version(request: Request) -> Response:
    """GET /api/tasks/{task}/models/{model}/versions/{n}/download: its files and a model card, as a zip."""
    card, model = model_of(request)
    require(request, Action.TRAIN, card.name)
    services = services_of(request)
    version = await in_thread(services.versions.get, card.name, model.name, number_of(request))
    if version is None:
        raise NotFound("There is no such version.")
    name = f"{card.name}-{model.name}-v{version.number}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    held = ExitStack()
    folder = await in_thread(held.enter_context, services.versions.hold(version))

    def pieces() -> Iterator[bytes]:
        with held:
            yield from bundle(card, model, version, folder)

    return StreamingResponse(pieces(), headers=headers, media_type="application/zip")


async def make_live(services: Services, card: TaskCard, model: ModelCard, number: int) -> VersionRecord:
    """Let a version answer: loaded first, so that nobody waits, and one that cannot be loaded never goes live."""
    if await in_thread(services.versions.get, card.name, model.name, number) is None:
        raise NotFound(f"{model.name} of {card.name} has no version {number}.")
    await services.hosts.warm(card.name, model.name, number)
    version = await in_thread(services.versions.make_live, card.name, model.name, number)
    await services.hosts.follow(card.name, model.name)
    return version


def model_of(request: Request) -> tuple[TaskCard, ModelCard]:
    """The task and model of this address."""
    card = asker_of(request).task(request.path_params["task"])
    model = card.model(request.path_params["model"])
    if model is None:
        raise NotFound("There is no model of that name.")
    return card, model


def number_of(request: Request) -> int:
    """The version's number in this address."""
    text: str = request.path_params["n"]
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise NotFound("There is no such version.")
    return int(text)
