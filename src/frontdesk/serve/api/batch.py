"""POST /api/tasks/{task}/batch and GET /api/tasks/{task}/template."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from frontdesk.access.rules import Action
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import Fault, InvalidInput
from frontdesk.serve.api.predict import ticket_response, whole_version
from frontdesk.serve.api.reading import idempotency_key, known_query
from frontdesk.serve.asking import asker_of
from frontdesk.serve.batching import BatchOrder, Upload, check_task, chunks_of, submit
from frontdesk.serve.exchange import exchange_of
from frontdesk.serve.forms import Part, read_form
from frontdesk.serve.services import services_of
from frontdesk.serve.sheet_templates import template
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require
from frontdesk.store.sheets.formats import SheetFormat

_YES = frozenset({"true", "on", "yes", "1"})
ORDER_WORDS = dict.fromkeys(("model", "version", "format", "strict"), 300)
"""The parts of an order besides its file, and how many bytes each may have."""


async def batch(request: Request) -> Response:
    """POST /api/tasks/{task}/batch: multipart with `file`, and ORDER_WORDS where they are wanted."""
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    owner = require(request, Action.BATCH, card.name).owner
    check_task(card)
    key = idempotency_key(exchange_of(request.scope).headers.get(b"idempotency-key"))
    async with read_form(request, {"file": services.limits.upload_bytes, **ORDER_WORDS}) as parts:
        job = await in_thread(submit, services, *read_order(request, card, owner, parts, key))
    return await ticket_response(request, job, {})


def read_order(
    request: Request, card: TaskCard, owner: str, parts: Mapping[str, Part], key: str | None
) -> tuple[BatchOrder, Upload]:
    """What a form orders, and its file. Raises InvalidInput."""
    part = parts.get("file")
    if part is None or not part.filename:
        raise InvalidInput.of([Fault("/file", "The form has no file of this name.")])
    words = {name: str(part.value()).strip() for name, part in parts.items() if name in ORDER_WORDS}
    try:
        kind = SheetFormat(words.get("format") or SheetFormat.XLSX)
    except ValueError:
        known = ", ".join(SheetFormat)
        raise InvalidInput.of([Fault("/format", f"Must be one of {known}.")]) from None
    part.content.seek(0)
    order = BatchOrder(
        owner=owner,
        task=card,
        model=asker_of(request).model(card, words.get("model") or None),
        version=whole_version(words.get("version") or None),
        format=kind,
        strict=words.get("strict", "").lower() in _YES,
        idempotency_key=key,
    )
    return order, Upload(part.filename, chunks_of(part.content))


async def show_template(request: Request) -> Response:
    """GET /api/tasks/{task}/template?format=csv or xlsx: a file to be filled in."""
    known_query(request, "format")
    card = asker_of(request).task(request.path_params["task"])
    check_task(card)
    kind = request.query_params.get("format", SheetFormat.XLSX)
    if kind not in (SheetFormat.CSV, SheetFormat.XLSX):
        raise InvalidInput.of([Fault("/format", "Must be csv or xlsx.")])
    content = await in_thread(template, card, SheetFormat(kind))
    headers = {"Content-Disposition": f'attachment; filename="{card.name}-template.{kind}"'}
    return Response(content, media_type=SheetFormat(kind).media_type, headers=headers)
