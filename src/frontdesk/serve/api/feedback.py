"""POST /api/predictions/{id}/feedback: the true answer, as seen by whoever asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.access.rules import Action
from frontdesk.declare.codec import check_depth
from frontdesk.errors import Fault, InvalidInput, NotFound
from frontdesk.monitor.feedback import Asked, Given
from frontdesk.serve import feedback
from frontdesk.serve.api.reading import json_response
from frontdesk.serve.asking import asker_of
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require


class FeedbackRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the answer was right, the true answer by output, or both."""

    right: bool | None = None
    truth: dict[str, Any] = {}


class FeedbackDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of a prediction. `answer_kept` says whether the server still knew what it had answered."""

    prediction: str
    task: str
    model: str
    version: int
    right: bool
    truth: dict[str, Any]
    given_at: datetime
    answer_kept: bool


async def give_feedback(request: Request) -> Response:
    """POST /api/predictions/{id}/feedback"""
    services = services_of(request)
    # First, so that a prediction of somebody else's is not found whatever is said of it.
    asked = await feedback.find(request, request.path_params["id"])
    require(request, Action.ASK, asked.task)
    raw = await request.body()
    check_depth(raw, services.limits.json_depth)
    try:
        said = msgspec.json.decode(raw, type=FeedbackRequest)
    except msgspec.ValidationError as error:
        raise InvalidInput.of([Fault("", str(error))]) from None
    card = asker_of(request).task(asked.task)
    given = await in_thread(feedback.give, services, card, asked, said.right, said.truth)
    return json_response(feedback_document(asked, given))


async def show_feedback(request: Request) -> Response:
    """GET /api/predictions/{id}/feedback"""
    asked = await feedback.find(request, request.path_params["id"])
    given = await in_thread(services_of(request).monitor.feedback.given, asked.id, asked.owner)
    if given is None:
        raise NotFound("Nothing was said of this prediction.")
    return json_response(feedback_document(asked, given))


def feedback_document(asked: Asked, given: Given) -> FeedbackDocument:
    """Feedback as the API shows it."""
    return FeedbackDocument(
        prediction=asked.id,
        task=asked.task,
        model=asked.model,
        version=asked.version,
        right=given.is_right,
        truth=given.truth,
        given_at=given.given_at,
        answer_kept=asked.said is not None,
    )
