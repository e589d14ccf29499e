"""POST /api/tasks/{task}/train, and what a training told: its curves and its log."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from frontdesk.access.rules import Action
from frontdesk.declare.codec import check_depth
from frontdesk.desk.job import Job
from frontdesk.desk.summaries import USUAL_STRETCHES
from frontdesk.errors import Fault, InvalidInput
from frontdesk.serve.api.documents import counted_job_document
from frontdesk.serve.api.reading import idempotency_key, json_response, known_query, whole_number
from frontdesk.serve.asking import asker_of
from frontdesk.serve.curves import Curves, as_csv, gather, names_of
from frontdesk.serve.exchange import exchange_of
from frontdesk.serve.recording import record
from frontdesk.serve.runs import visible_job
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.training import SEED_LIMIT, TrainOrder, checked_parameters, submit, trainable
from frontdesk.serve.who import require

_POINTS_DEFAULT, _POINTS_MOST = 500, 10_000
_STRETCHES_A_POINT = 2  # four points to choose from for each that is shown


class TrainRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to train: parameters by name, and the id of an uploaded file to learn from."""

    parameters: msgspec.Raw = msgspec.Raw(b"{}")
    model: str | None = None
    data: str | None = None
    seed: int | None = None


class CurvesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The curves of a training, thinned. Events after the one with id `after` tell what is newer."""

    after: int
    curves: Curves


async def train(request: Request) -> Response:
    """POST /api/tasks/{task}/train"""
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    owner = require(request, Action.TRAIN, card.name).owner
    raw = await request.body() or b"{}"
    check_depth(raw, services.limits.json_depth)
    asked = _decoded(raw)
    model = trainable(card, asked.model)
    order = TrainOrder(
        owner=owner,
        task=card,
        model=model,
        parameters=checked_parameters(model, bytes(asked.parameters)),
        seed=asked.seed,
        data=asked.data,
        idempotency_key=idempotency_key(exchange_of(request.scope).headers.get(b"idempotency-key")),
    )
    job = await in_thread(submit, services, order)
    await record(request, "training.asked", f"{card.name}.{model.name}", job=job.id)
    document = await in_thread(counted_job_document, services.desk, job)
    return json_response(document, 202, {"Location": f"/api/jobs/{job.id}", "Retry-After": "1"})


def _decoded(raw: bytes) -> TrainRequest:
    try:
        asked = msgspec.json.decode(raw, type=TrainRequest)
    except msgspec.ValidationError as error:
        raise InvalidInput.of([Fault("", str(error))]) from None
    if asked.seed is not None and not 0 <= asked.seed < SEED_LIMIT:
        raise InvalidInput.of([Fault("/seed", f"This must be a whole number from 0 to {SEED_LIMIT - 1}.")])
    return asked


async def show_metrics(request: Request) -> Response:
    """GET /api/jobs/{id}/metrics?points=500: the curves of a training, thinned to so many points each."""
    known_query(request, "points")
    points = whole_number(request, "points", _POINTS_DEFAULT, 3, _POINTS_MOST)
    job = await visible_job(request)
    return json_response(await in_thread(curves_of, services_of(request), job, points))


async def show_metrics_csv(request: Request) -> Response:
    """GET /api/jobs/{id}/metrics.csv: every point."""
    job = await visible_job(request)
    desk = services_of(request).desk
    names = names_of(await in_thread(desk.transcripts.curves, job.id, USUAL_STRETCHES))
    headers = {"Content-Disposition": f'attachment; filename="{job.task}-{job.id[-12:]}.csv"'}
    return StreamingResponse(
        as_csv(names, desk.transcripts.chunks(job.id)), headers=headers, media_type="text/csv"
    )


async def show_log(request: Request) -> Response:
    """GET /api/jobs/{id}/log: the end of what a training printed."""
    job = await visible_job(request)
    return PlainTextResponse(await in_thread(services_of(request).desk.transcripts.log, job.id))


def curves_of(services: Services, job: Job, points: int) -> CurvesDocument:
    """The curves of a training. Reads rows, and all points where more are asked for than are kept ready."""
    after = services.desk.last_event(job.owner)  # first, so that no point is in neither
    stretches = max(points * _STRETCHES_A_POINT, USUAL_STRETCHES)
    return CurvesDocument(
        after=after, curves=gather(services.desk.transcripts.curves(job.id, stretches), points)
    )
