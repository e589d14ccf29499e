"""The Train tab of a task, and the page of one training."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.declare.codec import InputCodec
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.desk.job import Job, JobState, Lane
from frontdesk.desk.training import TrainOutputs, TrainPayload
from frontdesk.errors import InvalidInput, NotFound
from frontdesk.serve.asking import asker_of
from frontdesk.serve.forms import Part, read_form
from frontdesk.serve.own_files import keep_file
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.recording import record
from frontdesk.serve.runs import may_train, visible_job
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.training import TrainOrder, estimate_s, payload_of, recent_runs, submit, trainable
from frontdesk.serve.who import caller_of, owner_of, require, require_sight

_RUNS_SHOWN = 8
_FILES_SHOWN = 30
_PARAMETER_BYTES = 64 * 1024
_OWN_PARTS = ("fd-csrf", "fd-model", "fd-data", "fd-key")
_DATA_ENDING = ".csv"


async def show_train(request: Request) -> Response:
    """GET /tasks/{task}/train?model=&from=; `from` is a training whose settings the form starts from."""
    card = asker_of(request).task(request.path_params["task"])
    require_sight(request, card.name)
    model = trainable(card, request.query_params.get("model"))
    context = await in_thread(_context, request, card, model)
    source = request.query_params.get("from")
    context["chosen_data"] = request.query_params.get("data")
    if source is not None:
        context["values"] = await in_thread(_values_of, services_of(request), card, source)
    return page(request, "train.html", **context)


async def start_training(request: Request) -> Response:
    """POST /tasks/{task}/train: the form."""
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    require(request, Action.TRAIN, card.name)
    fields = {field.name for model in card.models for field in model.training}
    limits = dict.fromkeys(fields, _PARAMETER_BYTES) | dict.fromkeys(_OWN_PARTS, 300)
    async with read_form(request, limits | {"fd-upload": services.limits.body_bytes}) as parts:
        texts = {name: str(part.value()) for name, part in parts.items() if part.filename is None}
        model = trainable(card, texts.get("fd-model") or None)
        given = {name: text for name, text in texts.items() if name in {f.name for f in model.training}}
        try:
            parameters = InputCodec(model.training).decode_form(given)
            data = await _data(services, request, texts, parts.get("fd-upload"))
            order = TrainOrder(
                owner=owner_of(request), task=card, model=model, parameters=parameters, data=data,
                idempotency_key=texts.get("fd-key") or None,
            )  # fmt: skip
            job = await in_thread(submit, services, order)
            await record(request, "training.asked", f"{card.name}.{model.name}", job=job.id)
        except InvalidInput as refusal:
            faults = {fault.pointer.split("/")[-1]: fault.detail for fault in refusal.faults}
            context = await in_thread(_context, request, card, model)
            return page(request, "train.html", 422, **context | {"values": given, "faults": faults})
    return RedirectResponse(f"/tasks/{card.name}/runs/{job.id}", 303)


async def show_run(request: Request) -> Response:
    """GET /tasks/{task}/runs/{id}: one training; the part that changes is how far it is and what came of it."""
    services = services_of(request)
    card = asker_of(request).task(request.path_params["task"])
    job = await visible_job(request)
    if job.kind is not Lane.TRAIN or job.task != card.name:
        raise NotFound("There is no such training.")
    context = await in_thread(run_context, services, card, job, owner_of(request))
    return page(request, "run.html", part="run.html", **context)


def run_context(services: Services, card: TaskCard, job: Job, caller: str) -> dict[str, Any]:
    """What the page of a training shows. Reads rows, so call it in the thread pool."""
    payload = payload_of(job)
    version = services.versions.of_job(job.id)
    return {
        "card": card,
        "model": card.model(job.model),
        "job": job,
        "payload": payload,
        "data_name": _data_name(services, payload),
        "version": version,
        "outputs": _outputs(job),
        "standing": services.desk.standing(job) if job.state is JobState.QUEUED else None,
        "left_s": time_left_s(job),
        "estimate_s": estimate_s(services, card.name, job.model),
        "log": services.desk.transcripts.log(job.id),
        "is_own": job.owner == caller,
    }


def time_left_s(job: Job) -> float | None:
    """How long it needs yet, if it goes on as it did."""
    if (
        job.state is not JobState.RUNNING
        or not job.progress.total
        or not job.progress.done
        or not job.started_at
    ):
        return None
    spent_s = (datetime.now(UTC) - job.started_at).total_seconds()
    return max(spent_s * (job.progress.total / job.progress.done - 1), 0.0)


def _outputs(job: Job) -> TrainOutputs | None:
    return None if job.outputs is None else msgspec.json.decode(job.outputs, type=TrainOutputs)


def _data_name(services: Services, payload: TrainPayload) -> str:
    if payload.data is None:
        return ""
    try:
        return services.files.get(payload.data).name
    except NotFound:
        return "a file that is gone"


async def _data(
    services: Services, request: Request, texts: dict[str, str], upload: Part | None
) -> str | None:
    """The chosen data set: what was just uploaded, else the file that was picked, else the author's own."""
    if upload is not None and upload.filename:
        if not upload.filename.lower().endswith(_DATA_ENDING):
            raise InvalidInput("data", "Choose a CSV file.")
        content = upload.value()
        assert isinstance(content, bytes)
        stored = await in_thread(
            keep_file, services, caller_of(request), upload.filename, "text/csv", len(content), [content]
        )
        return stored.id
    return texts.get("fd-data") or None


def _values_of(services: Services, card: TaskCard, job_id: str) -> dict[str, Any]:
    """The settings of a training of this task."""
    job = services.desk.get(job_id, None)
    if job.kind is not Lane.TRAIN or job.task != card.name:
        raise NotFound("There is no such training.")
    return payload_of(job).parameters


def _context(request: Request, card: TaskCard, model: ModelCard) -> dict[str, Any]:
    services = services_of(request)
    runs = recent_runs(services, card.name, _RUNS_SHOWN)
    live = services.versions.live(card.name, model.name)
    under_way = [run for run in runs if run.model == model.name and not run.state.is_final]
    last = next((run for run in runs if run.model == model.name), None)
    return {
        "card": card,
        "model": model,
        "models": [one for one in card.models if one.trains],
        "values": {},
        "faults": {},
        "live": live,
        "runs": [(run, payload_of(run)) for run in runs],
        "under_way": under_way,
        "last": last,
        "estimate_s": estimate_s(services, card.name, model.name),
        "data_files": services.files.owned(owner_of(request), _DATA_ENDING, _FILES_SHOWN),
        "may": may_train(request, card.name),
    }
