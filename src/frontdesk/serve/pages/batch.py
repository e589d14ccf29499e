"""The Batch tab of a task: a file in, a ticket out; or the list of what does not fit."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.declare.columns import allowed, example, takes_rows
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import InvalidInput
from frontdesk.serve.api.batch import ORDER_WORDS, read_order
from frontdesk.serve.asking import asker_of
from frontdesk.serve.batching import check_task, submit
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require
from frontdesk.store.sheets.formats import SheetFormat


async def show_batch(request: Request) -> Response:
    """GET /tasks/{task}/batch"""
    card = asker_of(request).task(request.path_params["task"])
    require(request, Action.BATCH, card.name)
    return page(request, "batch.html", **_context(card))


async def start_batch(request: Request) -> Response:
    """POST /tasks/{task}/batch: the form."""
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    owner = require(request, Action.BATCH, card.name).owner
    check_task(card)
    try:
        async with read_form(request, {"file": services.limits.upload_bytes, **ORDER_WORDS}) as parts:
            job = await in_thread(submit, services, *read_order(request, card, owner, parts, None))
    except InvalidInput as refusal:
        return page(request, "batch.html", 422, **_context(card) | {"faults": refusal.faults})
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _context(card: TaskCard) -> dict[str, Any]:
    columns = (
        [(field, allowed(field), example(field)) for field in card.signature.inputs]
        if takes_rows(card.signature)
        else []
    )
    return {"card": card, "columns": columns, "formats": list(SheetFormat), "faults": ()}
