"""How the models of a task are doing, and the questions that were kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from frontdesk.access.rules import Action
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import Conflict, Fault, InvalidInput
from frontdesk.monitor.collected import everything, to_learn_from
from frontdesk.monitor.figures import Span
from frontdesk.serve.api.documents import file_document
from frontdesk.serve.api.reading import json_response, known_query
from frontdesk.serve.asking import asker_of
from frontdesk.serve.own_files import keep_file
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of, require
from frontdesk.store.files import StoredFile
from frontdesk.store.sheets.formats import SheetFormat
from frontdesk.store.sheets.writing import write_sheet

_PIECE_BYTES = 2**18
_DIGITS = 9


class DeletedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions were deleted."""

    deleted: int


async def show_figures(request: Request) -> Response:
    """GET /api/tasks/{task}/monitor?span=day&model=&version="""
    known_query(request, "span", "model", "version")
    card = watched(request)
    span, model, version = chosen(request, card)
    figures = await in_thread(services_of(request).monitor.watching.figures, card.name, span, model, version)
    return json_response(figures)


async def download_collected(request: Request) -> Response:
    """GET /api/tasks/{task}/collected?format=csv&model=&version="""
    known_query(request, "format", "model", "version")
    card = watched(request)
    services = services_of(request)
    text = request.query_params.get("format", SheetFormat.CSV)
    if text not in (SheetFormat.CSV, SheetFormat.PARQUET):
        raise InvalidInput.of([Fault("/format", "This must be csv or parquet.")])
    kind = SheetFormat(text)
    _, model, version = chosen(request, card)
    await record(request, "collected.downloaded", card.name)
    folder = tempfile.TemporaryDirectory(prefix="collected-")
    path = Path(folder.name) / "collected"
    try:
        await in_thread(_write, services, card, path, kind, model, version)
    except BaseException:
        folder.cleanup()
        raise

    def pieces() -> Iterator[bytes]:
        with folder, path.open("rb") as content:
            yield from iter(lambda: content.read(_PIECE_BYTES), b"")

    headers = {"Content-Disposition": f'attachment; filename="{name_of(card)}.{kind}"'}
    return StreamingResponse(pieces(), headers=headers, media_type=kind.media_type)


async def keep_collected(request: Request) -> Response:
    """POST /api/tasks/{task}/collected/file: the questions whose true answer is known, as a file to learn from."""
    card = watched(request)
    stored = await in_thread(store_collected, services_of(request), request, card)
    return json_response(file_document(stored), 201, {"Location": f"/api/files/{stored.id}"})


async def delete_collected(request: Request) -> Response:
    """DELETE /api/tasks/{task}/collected"""
    card = asker_of(request).task(request.path_params["task"])
    require(request, Action.ADMIN, card.name)
    deleted = await in_thread(services_of(request).monitor.collected.delete, card.name)
    await record(request, "collected.deleted", card.name, count=deleted)
    return json_response(DeletedDocument(deleted=deleted))


def watched(request: Request) -> TaskCard:
    """The task of this address, for somebody who may train it: what others asked is to be seen there."""
    card = asker_of(request).task(request.path_params["task"])
    require(request, Action.TRAIN, card.name)
    return card


def chosen(request: Request, card: TaskCard) -> tuple[Span, str | None, int | None]:
    """What of it: a span, and a model or a version if any. Raises InvalidInput."""
    query = request.query_params
    span, model, version = (
        query.get("span") or Span.DAY,
        query.get("model") or None,
        query.get("version") or "",
    )
    if span not in set(Span):
        raise InvalidInput.of([Fault("/span", f"This must be one of {', '.join(Span)}.")])
    if model is not None:
        asker_of(request).model(card, model)
    if version and not (version.isascii() and version.isdigit() and len(version) <= _DIGITS):
        raise InvalidInput.of([Fault("/version", "This must be the number of a version.")])
    return Span(span), model, int(version) if version else None


def store_collected(services: Services, request: Request, card: TaskCard) -> StoredFile:
    """The questions with a true answer, as a CSV file of the caller's. Raises Conflict where there are none."""
    collected = services.monitor.collected
    count = collected.kept(card.name).true
    if not count:
        raise Conflict(
            "Nobody has said yet what an answer should have been, so there is nothing to learn from."
        )
    with tempfile.TemporaryDirectory(prefix="collected-") as folder:
        path = Path(folder) / "collected.csv"
        write_sheet(
            path, SheetFormat.CSV, to_learn_from(card, collected.rows(card.name, only_true=True), count)
        )
        with path.open("rb") as content:
            chunks = iter(lambda: content.read(_PIECE_BYTES), b"")
            size_bytes = path.stat().st_size
            return keep_file(
                services, caller_of(request), f"{name_of(card)}.csv", "text/csv", size_bytes, chunks
            )


def _write(
    services: Services, card: TaskCard, path: Path, kind: SheetFormat, model: str | None, version: int | None
) -> None:
    collected = services.monitor.collected
    count = collected.kept(card.name).rows
    write_sheet(path, kind, everything(card, collected.rows(card.name, model=model, version=version), count))


def name_of(card: TaskCard) -> str:
    """What a file of collected questions is called."""
    return f"{card.name}-collected-{datetime.now(UTC):%Y-%m-%d-%H%M}"
