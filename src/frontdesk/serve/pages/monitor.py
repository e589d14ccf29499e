"""The Monitor tab of a task: how its models are doing, and what becomes of the questions that were kept."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import NotFound
from frontdesk.monitor.figures import Figures, Span, Version
from frontdesk.monitor.monitor import Mode
from frontdesk.serve import baseline
from frontdesk.serve.api.monitor import chosen, store_collected, watched
from frontdesk.serve.pages.graphs import graphs_of
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of, require


async def show_monitor(request: Request) -> Response:
    """GET /tasks/{task}/monitor?span=&model=&version="""
    card = watched(request)
    span, model, version = chosen(request, card)
    context = await in_thread(_context, services_of(request), card, span, model, version)
    return page(request, "monitor.html", **context, is_admin=caller_of(request).may(Action.ADMIN, card.name))


async def change_monitor(request: Request) -> Response:
    """POST /tasks/{task}/monitor/{verb}: a button."""
    services, card = services_of(request), watched(request)
    home = f"/tasks/{card.name}/monitor"
    match request.path_params["verb"]:
        case "use":
            stored = await in_thread(store_collected, services, request, card)
            return RedirectResponse(f"/tasks/{card.name}/train?data={stored.id}", 303)
        case "delete":
            require(request, Action.ADMIN, card.name)
            count = await in_thread(services.monitor.collected.delete, card.name)
            await record(request, "collected.deleted", card.name, count=count)
        case "compare":
            require(request, Action.ADMIN, card.name)
            _, model, version = chosen(request, card)
            await in_thread(baseline.take, services, card, model, version)
            await record(request, "baseline.taken", card.name, model=model, version=version)
            return RedirectResponse(f"{home}?model={model}&version={version}", 303)
        case _:
            raise NotFound("There is nothing of that name to do here.")
    return RedirectResponse(home, 303)


def _context(
    services: Services, card: TaskCard, span: Span, model: str | None, version: int | None
) -> dict[str, Any]:
    figures = services.monitor.watching.figures(card.name, span, model, version)
    live = [
        Version(one.name, found.number)
        for one in card.models
        if one.trains and (found := services.versions.live(card.name, one.name)) is not None
    ]
    return {
        "card": card,
        "figures": figures,
        "graphs": [msgspec.to_builtins(graph) for graph in graphs_of(figures)],
        "span": span,
        "spans": list(Span),
        "model": model,
        "version": version,
        "versions": sorted({*live, *(one.version for one in figures.versions)}),
        "kept": services.monitor.collected.kept(card.name),
        "mode": services.monitor.mode,
        "is_off": services.monitor.mode is Mode.OFF,
        "limits": services.monitor.limits,
        "right": _right(figures),
        "least_rows": baseline.LEAST_ROWS,
    }


def _right(figures: Figures) -> dict[str, Any]:
    count = sum(one.count for one in figures.feedback)
    right = sum(one.right for one in figures.feedback)
    return {"count": count, "right": right, "share": right / count if count else None}
