"""The models of a task: how each is, what it wrote, and a way to load it again."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import FrontdeskError, NotFound
from frontdesk.serve.asking import asker_of
from frontdesk.serve.pages.rendering import is_fragment, page
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.who import caller_of, require, require_sight

_LOG_LINES = 400


async def show_models(request: Request) -> Response:
    """GET /tasks/{task}/models"""
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    require_sight(request, card.name)
    context: dict[str, Any] = {"card": card, "states": {}, "logs": {}, "trouble": ""}
    try:
        context["states"] = {h.model: h for h in await services.hosts.survey() if h.task == card.name}
        if not is_fragment(request) and caller_of(request).may(Action.TRAIN, card.name):
            context["logs"] = await _logs(services, card)
    except FrontdeskError as error:
        context["trouble"] = str(error)
    return page(request, "models.html", **context)


async def restart_model(request: Request) -> Response:
    """POST /tasks/{task}/models/{model}/restart: a button."""
    card = asker_of(request).task(request.path_params["task"])
    model = card.model(request.path_params["model"])
    if model is None:
        raise NotFound("There is no model of that name.")
    require(request, Action.TRAIN, card.name)
    await services_of(request).hosts.restart(card.name, model.name)
    return RedirectResponse(f"/tasks/{card.name}/models", 303)


async def _logs(services: Services, card: TaskCard) -> dict[str, str]:
    """The last lines of every model's log."""
    texts = await asyncio.gather(*(services.hosts.log(card.name, model.name) for model in card.models))
    return {
        model.name: "\n".join(text.splitlines()[-_LOG_LINES:])
        for model, text in zip(card.models, texts, strict=True)
    }
