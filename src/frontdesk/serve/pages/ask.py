"""A task's page: the form made from its signature, and the answer beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.catalog.gallery import Gallery, Picture
from frontdesk.catalog.version import VersionRecord
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job
from frontdesk.errors import FrontdeskError, InvalidInput, NotFound
from frontdesk.serve.api.predict import part_limits, whole_version
from frontdesk.serve.asking import Answered, Question, Ticketed, asker_of
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.feedback import Question as FeedbackQuestion
from frontdesk.serve.pages.feedback import question_about
from frontdesk.serve.pages.jobs import ticket_context
from frontdesk.serve.pages.rendering import is_fragment, page
from frontdesk.serve.problems import problem_of
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require, require_sight

_PATIENCE_S = 1.5  # what takes longer shows its place in line instead of a frozen page
_OWN_PARTS = ("fd-model", "fd-version", "fd-compare", "fd-key")


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One model's answer, ticket or refusal, as the page shows it."""

    model: str
    version: int | None = None
    outputs: dict[str, Any] | None = None
    job: Job | None = None
    refusal: str = ""
    question: FeedbackQuestion | None = None


async def show_task(request: Request) -> Response:
    """GET /tasks/{task}; the part that changes by itself is what is to be known of its models."""
    require_sight(request, request.path_params["task"])
    return page(request, "task.html", part="notes.html", **await _context(request))


async def ask_task(request: Request) -> Response:
    """POST /tasks/{task}: the form."""
    asker, services = asker_of(request), services_of(request)
    card = asker.task(request.path_params["task"])
    owner = require(request, Action.ASK, card.name).owner
    texts, values = await _posted(request, services, card)
    context = await _context(request) | {
        "values": {**texts, **_text_of(values)},
        "chosen": texts.get("fd-model"),
        "version": texts.get("fd-version"),
    }
    try:
        inputs = asker.inputs(card).codec.decode_form(values)
        model = asker.model(card, texts.get("fd-model") or None)
        version = whole_version(texts.get("fd-version"))
        question = Question(owner, card, model, version, inputs, texts.get("fd-key") or None, True)
        if "fd-compare" in texts:
            outcomes = await asker.compare(question, receive=request.receive)
        else:
            outcomes = {model.name: await _ask(request, question)}
    except InvalidInput as refusal:
        faults = {fault.pointer.split("/")[-1]: fault.detail for fault in refusal.faults}
        return page(request, "task.html", 422, part="answer.html", **context | {"faults": faults})
    shown = [_shown(card, name, outcome) for name, outcome in outcomes.items()]
    if not is_fragment(request) and len(shown) == 1 and shown[0].job is not None:
        return RedirectResponse(f"/jobs/{shown[0].job.id}", 303)
    context["agreement"] = _agreement([s.outputs for s in shown if s.outputs is not None])
    tickets = {s.model: await in_thread(ticket_context, services, s.job) for s in shown if s.job is not None}
    return page(request, "task.html", part="answer.html", **context | {"answers": shown, "tickets": tickets})


async def show_thumb(request: Request) -> Response:
    """GET /tasks/{task}/thumbs/{field}/{name}: a small picture of a gallery."""
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    require_sight(request, card.name)
    found = await in_thread(
        _gallery(services).picture, card, request.path_params["field"], request.path_params["name"]
    )
    if found is None or not found.thumb.is_file():
        raise NotFound("There is no such picture.")
    return FileResponse(found.thumb, media_type="image/jpeg", headers={"Cache-Control": "max-age=86400"})


async def _ask(request: Request, question: Question) -> Answered | Ticketed | FrontdeskError:
    # Without a script there is nobody to follow a ticket in place, so the page itself is worth the wait.
    patience_s = _PATIENCE_S if is_fragment(request) else None
    try:
        return await asker_of(request).ask(question, patience_s, receive=request.receive)
    except InvalidInput:
        raise
    except FrontdeskError as error:
        return error


def _shown(card: TaskCard, model: str, outcome: Answered | Ticketed | FrontdeskError) -> _Shown:
    if isinstance(outcome, Answered):
        return _Shown(
            model=model, version=outcome.version, outputs=msgspec.json.decode(outcome.outputs),
            question=question_about(card, outcome.id, outcome.outputs),
        )  # fmt: skip
    if isinstance(outcome, Ticketed):
        return _Shown(model=model, job=outcome.job)
    return _Shown(model=model, refusal=problem_of(outcome).detail)


def _agreement(answers: list[dict[str, Any]]) -> str:
    """A sentence on how many models chose the same label; nothing where there are no labels to compare."""
    labels = [value["label"] for answer in answers for value in answer.values() if _is_classification(value)]
    if len(answers) < 2 or len(labels) != len(answers):
        return ""
    label, count = Counter(labels).most_common(1)[0]
    if count == len(labels):
        return f"All {count} say {label}."
    return f"{count} of {len(labels)} say {label}." if count > 1 else "Each says something else."


def _is_classification(value: Any) -> bool:
    return isinstance(value, dict) and "scores" in value


async def _posted(
    request: Request, services: Services, card: TaskCard
) -> tuple[dict[str, str], dict[str, str | bytes]]:
    """The page's own parts and the task's inputs. A picture chosen from a gallery counts where none was uploaded."""
    limits = dict(part_limits(card))
    limits |= dict.fromkeys(_OWN_PARTS, 300) | {f"fd-gallery-{name}": 300 for name in part_limits(card)}
    texts: dict[str, str] = {}
    values: dict[str, str | bytes] = {}
    async with read_form(request, limits) as parts:
        for name, part in parts.items():
            value = part.value()
            if name.startswith("fd-"):
                texts[name] = value if isinstance(value, str) else ""
            elif part.filename != "":  # a browser sends a file field nobody used as one without a name
                values[name] = value
    for field in card.signature.inputs:
        chosen = texts.get(f"fd-gallery-{field.name}")
        if chosen and field.name not in values:
            picture = await in_thread(_gallery(services).picture, card, field.name, chosen)
            if picture is not None:
                values[field.name] = await in_thread(picture.path.read_bytes)
    return texts, values


def _text_of(values: Mapping[str, str | bytes]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


async def _context(request: Request) -> dict[str, Any]:
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    try:
        hosts = [host for host in await services.hosts.survey() if host.task == card.name]
    except FrontdeskError:
        hosts = []
    return {
        "card": card,
        "hosts": {host.model: host for host in hosts},
        "galleries": await in_thread(_galleries, services, card),
        "values": {},
        "faults": {},
        "answers": [],
        "agreement": "",
        "tickets": {},
        "chosen": request.query_params.get("model"),
        "version": request.query_params.get("version"),
        "live": await in_thread(_live, services, card),
        "base_url": str(request.base_url).rstrip("/"),
    }


def _live(services: Services, card: TaskCard) -> dict[str, VersionRecord | None]:
    return {
        model.name: services.versions.live(card.name, model.name) for model in card.models if model.trains
    }


def _gallery(services: Services) -> Gallery:
    return Gallery(services.models_folder, services.thumbs_folder)


def _galleries(services: Services, card: TaskCard) -> dict[str, list[Picture]]:
    gallery = _gallery(services)
    return {field.name: gallery.pictures(card, field.name) for field in card.signature.inputs}
