"""GET /api/tasks and /api/tasks/{task}."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.declare.signature import TaskCard
from frontdesk.serve.api.documents import TaskDocument, task_document
from frontdesk.serve.api.reading import json_response, known_query
from frontdesk.serve.asking import asker_of
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import may_see, require_sight


class TasksDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All tasks, in the order they were served. There are never more than fit one page."""

    items: list[TaskDocument]
    next: None = None


async def list_tasks(request: Request) -> Response:
    """GET /api/tasks"""
    known_query(request)
    services = services_of(request)
    seen = [card for card in services.tasks.values() if may_see(request, card.name)]
    documents = [await in_thread(_document, services, card) for card in seen]
    return json_response(TasksDocument(items=documents))


async def show_task(request: Request) -> Response:
    """GET /api/tasks/{task}"""
    known_query(request)
    card = asker_of(request).task(request.path_params["task"])
    require_sight(request, card.name)
    return json_response(await in_thread(_document, services_of(request), card))


def _document(services: Services, card: TaskCard) -> TaskDocument:
    return task_document(card, live_versions(services, card))


def live_versions(services: Services, card: TaskCard) -> dict[str, int | None]:
    """The live version of each model; None where there is none yet. A model that does not train has but one."""
    live: dict[str, int | None] = {}
    for model in card.models:
        record = services.versions.live(card.name, model.name)
        live[model.name] = record.number if record is not None else None if model.trains else 1
    return live
