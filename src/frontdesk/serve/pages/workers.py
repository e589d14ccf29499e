"""For administrators: who does jobs, what each does now, and what waits."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.errors import Conflict
from frontdesk.serve.api.workers import change
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require


async def show_workers(request: Request) -> Response:
    """GET /admin/workers"""
    return await _workers(request)


async def change_worker(request: Request) -> Response:
    """POST /admin/workers/{name}/{verb}: a button."""
    require(request, Action.ADMIN)
    try:
        await change(request)
    except Conflict as refusal:
        return await _workers(request, 409, str(refusal))
    return RedirectResponse("/admin/workers", 303)


async def _workers(request: Request, status: int = 200, refusal: str = "") -> Response:
    require(request, Action.ADMIN)
    services = services_of(request)
    return page(
        request, "workers.html", status, refusal=refusal, tasks=services.tasks,
        workers=await in_thread(services.workers.list), queues=await in_thread(services.desk.queues),
    )  # fmt: skip
