"""Was this right? The form under an answer, and the page it leads to where there is no script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.declare.output_kinds import ClassificationOut, ValueOut
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job
from frontdesk.errors import Fault, InvalidInput
from frontdesk.monitor.feedback import Asked, Given
from frontdesk.monitor.judging import TEXT_CHARACTERS, takes_truth
from frontdesk.monitor.rows import Said, said_of
from frontdesk.serve import feedback
from frontdesk.serve.asking import asker_of
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.rendering import is_fragment, page
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require

_TRUTH = "truth-"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A field for the true answer of one output. `options` are the labels it can be; none: anything may be typed."""

    name: str
    title: str
    kind: str
    options: list[str]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an answer was right, as the form asks it; and what was said already."""

    prediction: str
    choices: list[Choice]
    given: Given | None = None
    faults: Mapping[str, str] = {}


def question_of(
    card: TaskCard, prediction: str, said: Mapping[str, Said] | None, given: Given | None
) -> Question:
    """The form about this answer."""
    return Question(prediction=prediction, choices=_choices(card, said), given=given)


def question_about(card: TaskCard, prediction: str, outputs: bytes) -> Question:
    """The form about an answer that was just given."""
    return question_of(card, prediction, said_of(card.signature.outputs, outputs), None)


def question_of_job(services: Services, job: Job) -> Question | None:
    """The form about the answer of a job; None where there is none. Reads rows."""
    asked, card = feedback.of_job(services, job), services.tasks.get(job.task)
    if asked is None or card is None:
        return None
    return question_of(card, job.id, asked.said, services.monitor.feedback.given(job.id, job.owner))


async def show_feedback(request: Request) -> Response:
    """GET /predictions/{id}/feedback: what was said, and the form to change it."""
    asked, card = await _asked(request)
    given = await in_thread(services_of(request).monitor.feedback.given, asked.id, asked.owner)
    return _page(request, card, question_of(card, asked.id, asked.said, given))


async def give_feedback(request: Request) -> Response:
    """POST /predictions/{id}/feedback: the form."""
    services = services_of(request)
    asked, card = await _asked(request)
    names = {out.name for out in card.signature.outputs if takes_truth(out)}
    limits = dict.fromkeys((_TRUTH + name for name in names), 4 * TEXT_CHARACTERS) | {"right": 10}
    async with read_form(request, limits) as parts:
        texts = {name: str(part.value()).strip() for name, part in parts.items()}
    try:
        truth = {} if texts.get("right") == "yes" else _truth(card, texts)
        given = await in_thread(feedback.give, services, card, asked, texts.get("right") == "yes", truth)
    except InvalidInput as refusal:
        before = await in_thread(services.monitor.feedback.given, asked.id, asked.owner)
        form = question_of(card, asked.id, asked.said, before)
        faults = {fault.pointer.split("/")[-1]: fault.detail for fault in refusal.faults}
        return _page(request, card, msgspec.structs.replace(form, faults=faults), 422)
    if not is_fragment(request):
        return RedirectResponse(f"/predictions/{asked.id}/feedback", 303)
    return _page(request, card, question_of(card, asked.id, asked.said, given))


async def _asked(request: Request) -> tuple[Asked, TaskCard]:
    asked = await feedback.find(request, request.path_params["id"])
    require(request, Action.ASK, asked.task)
    return asked, asker_of(request).task(asked.task)


def _page(request: Request, card: TaskCard, question: Question, status: int = 200) -> Response:
    return page(request, "feedback.html", status, part="feedback.html", card=card, question=question)


def _truth(card: TaskCard, texts: Mapping[str, str]) -> dict[str, Any]:
    """What was picked or typed; nothing is not known."""
    truth: dict[str, Any] = {}
    for out in card.signature.outputs:
        text = texts.get(_TRUTH + out.name, "")
        if not text:
            continue
        truth[out.name] = text
        if isinstance(out.kind, ValueOut):
            try:
                truth[out.name] = float(text)
            except ValueError:
                raise InvalidInput.of([Fault(f"/truth/{out.name}", "Must be a number.")]) from None
    return truth


def _choices(card: TaskCard, said: Mapping[str, Said] | None) -> list[Choice]:
    return [
        Choice(
            name=_TRUTH + out.name,
            title="" if len(card.signature.outputs) == 1 else out.title or out.name.replace("_", " "),
            kind={ClassificationOut: "label", ValueOut: "number"}.get(type(out.kind), "text"),
            options=_labels(card, said[out.name]) if said and out.name in said else [],
        )
        for out in card.signature.outputs
        if takes_truth(out)
    ]


def _labels(card: TaskCard, said: Said) -> list[str]:
    """What the right answer can be, where the one that was given is wrong."""
    is_only = len(card.signature.outputs) == 1
    return [label for label in said.labels if not (is_only and label == said.answer)]
