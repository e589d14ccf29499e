"""The Versions tab of a task: list, compare, make live, roll back, delete."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.catalog.version import VersionRecord
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.errors import Conflict, Fault, FrontdeskError, InvalidInput, NotFound
from frontdesk.serve.api.versions import make_live, model_of, number_of
from frontdesk.serve.asking import asker_of
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.problems import problem_of
from frontdesk.serve.recording import record
from frontdesk.serve.runs import may_train
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.training import trainable
from frontdesk.serve.who import require, require_sight

_COMPARED_MOST = 6
_DIGITS = 9


async def show_versions(request: Request) -> Response:
    """GET /tasks/{task}/versions?model="""
    card = asker_of(request).task(request.path_params["task"])
    require_sight(request, card.name)
    model = trainable(card, request.query_params.get("model"))
    return await _list(request, card, model)


async def change_version(request: Request) -> Response:
    """POST /tasks/{task}/versions/{model}/{n}/{verb}: a button."""
    services = services_of(request)
    card, model = model_of(request)
    require(request, Action.TRAIN, card.name)
    number, verb = number_of(request), request.path_params["verb"]
    try:
        if verb == "live":
            await make_live(services, card, model, number)
            await record(request, "version.live", f"{card.name}.{model.name}", version=number)
        elif verb == "remove":
            await in_thread(services.versions.remove, card.name, model.name, number)
            await record(request, "version.removed", f"{card.name}.{model.name}", version=number)
        else:
            raise NotFound("There is nothing of that name to do with a version.")
    except (NotFound, InvalidInput):
        raise
    except FrontdeskError as error:  # it cannot be loaded, or is live
        problem = problem_of(error)
        return await _list(request, card, model, problem.status, problem.detail)
    return RedirectResponse(f"/tasks/{card.name}/versions?model={model.name}", 303)


async def compare_versions(request: Request) -> Response:
    """GET /tasks/{task}/versions/compare?model=&n=1&n=2"""
    card = asker_of(request).task(request.path_params["task"])
    require_sight(request, card.name)
    model = trainable(card, request.query_params.get("model"))
    numbers = sorted({_number(text) for text in request.query_params.getlist("n")})
    if not 2 <= len(numbers) <= _COMPARED_MOST:
        raise Conflict(f"Choose two to {_COMPARED_MOST} versions to compare.")
    found = [await in_thread(services_of(request).versions.get, card.name, model.name, n) for n in numbers]
    versions = [version for version in found if version is not None]
    if len(versions) < len(numbers):
        raise NotFound("There is no such version.")
    return page(
        request, "compare.html", card=card, model=model, versions=versions,
        parameters=_rows([version.parameters for version in versions]),
        metrics=_rows([_figures(version) for version in versions]),
        confusions=[(version, value, _most(value)) for version in versions for value in _confusions(version)],
    )  # fmt: skip


async def _list(
    request: Request, card: TaskCard, model: ModelCard, status: int = 200, trouble: str = ""
) -> Response:
    versions = await in_thread(services_of(request).versions.list, card.name, model.name)
    names = dict.fromkeys(name for version in versions for name in _figures(version))
    return page(
        request, "versions.html", status, card=card, model=model, models=[m for m in card.models if m.trains],
        versions=versions, live=next((v for v in versions if v.is_live), None), names=list(names),
        trouble=trouble, may=may_train(request, card.name),
    )  # fmt: skip


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise InvalidInput.of([Fault("/n", "This must be the number of a version.")])
    return int(text)


def _figures(version: VersionRecord) -> dict[str, Any]:
    return {name: value for name, value in version.metrics.items() if not isinstance(value, dict)}


def _confusions(version: VersionRecord) -> list[dict[str, Any]]:
    return [value for value in version.metrics.values() if isinstance(value, dict) and "counts" in value]


def _most(confusion: dict[str, Any]) -> int:
    return max((count for row in confusion["counts"] for count in row), default=0)


def _rows(columns: list[Any]) -> list[tuple[str, list[Any], bool]]:
    """A row for each name: its value in every column, and whether they differ."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, [column.get(name) for column in columns]) for name in names]
    return [(name, values, any(value != values[0] for value in values)) for name, values in rows]
