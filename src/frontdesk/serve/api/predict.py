"""POST /api/tasks/{task}/predict and /compare.

The predict route is the one people wait for thousands of times a second, so it is bare ASGI: one
decode compiled from the signature, one call, and the model's own JSON spliced into the response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from frontdesk.access.rules import Action
from frontdesk.declare.codec import check_depth
from frontdesk.declare.kinds import File, Image
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job, JobState
from frontdesk.errors import Fault, FrontdeskError, InvalidInput
from frontdesk.serve.admission import keep_visitor
from frontdesk.serve.api.documents import (
    AnswerDocument,
    ComparisonDocument,
    ModelAnswerDocument,
    counted_job_document,
    job_document,
)
from frontdesk.serve.api.reading import idempotency_key, json_response, media_type, preference, whole_body
from frontdesk.serve.asking import Answered, Asker, Question, Ticketed, asker_of
from frontdesk.serve.exchange import exchange_of
from frontdesk.serve.forms import TEXT_LIMIT_BYTES, read_form
from frontdesk.serve.inputs import Wire
from frontdesk.serve.line import Line
from frontdesk.serve.problems import Problem, document_of, problem_of
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require

_JSON = b"application/json"
_FORM = b"multipart/form-data"
_TICKET_RETRY_AFTER_S = "1"
_FROM_CACHE = (b"cache-status", b"frontdesk; hit")  # RFC 9211

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Asked:
    """The body, decoded."""

    inputs: Wire
    model: str | None
    version: int | None


class Predict:
    """POST /api/tasks/{task}/predict"""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        asker = asker_of(request)
        headers = exchange_of(scope).headers
        card = asker.task(scope["path_params"]["task"])
        owner = require(request, Action.ASK, card.name).owner
        asked = await _read(request, asker, card)
        question = Question(
            owner,
            card,
            asker.model(card, asked.model),
            asked.version,
            asked.inputs,
            idempotency_key(headers.get(b"idempotency-key")),
        )
        preferred = preference(headers.get(b"prefer"))
        outcome = await asker.ask(question, preferred.patience_s, receive=receive)
        if isinstance(outcome, Ticketed):
            response = await ticket_response(request, outcome.job, preferred.applied)
            await response(scope, receive, send)
            return
        body = _encode(answer_document(outcome))
        head = [(b"content-type", _JSON), (b"content-length", b"%d" % len(body))]
        head += [(name.lower().encode(), value.encode()) for name, value in preferred.applied.items()]
        if outcome.is_cached:
            head.append(_FROM_CACHE)
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})


async def compare(request: Request) -> Response:
    """POST /api/tasks/{task}/compare"""
    asker, services = asker_of(request), services_of(request)
    card = asker.task(request.path_params["task"])
    owner = require(request, Action.ASK, card.name).owner
    asked = await _read(request, asker, card)
    if asked.model is not None or asked.version is not None:
        raise InvalidInput.of(
            [Fault("/model", "A comparison asks every model; leave model and version out.")]
        )
    key = idempotency_key(exchange_of(request.scope).headers.get(b"idempotency-key"))
    question = Question(owner, card, card.models[0], None, asked.inputs, key)
    outcomes = await asker.compare(question, receive=request.receive)
    answers = [await _model_answer(services, model, outcome) for model, outcome in outcomes.items()]
    return json_response(ComparisonDocument(answers=answers))


async def ticket_response(request: Request, job: Job, headers: dict[str, str]) -> Response:
    """202 with the job that will have the answer."""
    keep_visitor(request)
    line: Line = request.app.state.line
    document = job_document(job, await line.place(job) if job.state is JobState.QUEUED else None)
    return json_response(
        document, 202, {"Location": f"/api/jobs/{job.id}", "Retry-After": _TICKET_RETRY_AFTER_S, **headers}
    )


def answer_document(answered: Answered) -> AnswerDocument:
    """An answer as the API shows it."""
    return AnswerDocument(
        id=answered.id,
        model=answered.model,
        version=answered.version,
        outputs=msgspec.Raw(answered.outputs),
        cached=answered.is_cached or msgspec.UNSET,
    )


async def _model_answer(
    services: Services, model: str, outcome: Answered | Ticketed | FrontdeskError
) -> ModelAnswerDocument:
    if isinstance(outcome, Answered):
        outputs = msgspec.Raw(outcome.outputs)
        return ModelAnswerDocument(
            model=model, version=outcome.version, id=outcome.id, outputs=outputs, cached=outcome.is_cached
        )
    if isinstance(outcome, Ticketed):
        return ModelAnswerDocument(
            model=model, job=await in_thread(counted_job_document, services.desk, outcome.job)
        )
    return ModelAnswerDocument(model=model, problem=document_of(problem_of(outcome)))


async def _read(request: Request, asker: Asker, card: TaskCard) -> _Asked:
    content_type = exchange_of(request.scope).headers.get(b"content-type", b"")
    if content_type == _JSON or (kind := media_type(content_type)) == _JSON:
        raw = await whole_body(request.receive)
        check_depth(raw, services_of(request).limits.json_depth)
        decoded = asker.inputs(card).codec.decode_request(raw)
        return _Asked(cast(Wire, decoded.inputs), decoded.model, decoded.version)
    if kind == _FORM:
        return await _read_multipart(request, asker, card)
    raise Problem(
        415, "This address takes application/json or multipart/form-data.",
        headers={"Accept-Post": "application/json, multipart/form-data"},
    )  # fmt: skip


async def _read_multipart(request: Request, asker: Asker, card: TaskCard) -> _Asked:
    """One part for each input. `model` and `version` are parts too, or, where inputs have these names, in the query."""
    limits = part_limits(card)
    besides = {"model", "version"} - limits.keys()
    async with read_form(request, {**limits, **dict.fromkeys(besides, 200)}) as parts:
        values = {name: part.value() for name, part in parts.items()}
    chosen = {name: _text(values.pop(name)) for name in besides & values.keys()}
    model = chosen.get("model") or request.query_params.get("model")
    version = chosen.get("version") or request.query_params.get("version")
    return _Asked(asker.inputs(card).codec.decode_form(values), model, whole_version(version))


def part_limits(card: TaskCard) -> dict[str, int]:
    """How many bytes each input's part of a form may have."""
    return {
        field.name: field.kind.max_bytes if isinstance(field.kind, Image | File) else 4 * TEXT_LIMIT_BYTES
        for field in card.signature.inputs
    }


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def whole_version(text: str | None) -> int | None:
    """The number of a version as a form has it; None where nothing was filled in."""
    if not text:
        return None
    if not text.isascii() or not text.isdigit():
        raise InvalidInput.of([Fault("/version", "This must be a whole number.")])
    return int(text[:9])
