"""Asking for a training, and looking at one: pages, API and classic routes all come through here.

Every verb is synchronous: call it in the thread pool.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from frontdesk.declare.codec import InputCodec
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.desk.job import Job, Lane, NewJob
from frontdesk.desk.queue import JobFilters
from frontdesk.desk.training import TrainPayload
from frontdesk.errors import Conflict, Fault, InvalidInput, NotFound
from frontdesk.serve.services import Services, waiting_limit

SEED_LIMIT = 2**31
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOrder:
    """What is to be trained. `parameters` are in wire form and checked; `seed` None draws one."""

    owner: str
    task: TaskCard
    model: ModelCard
    parameters: Mapping[str, Any]
    seed: int | None = None
    data: str | None = None
    idempotency_key: str | None = None


def trainable(card: TaskCard, name: str | None) -> ModelCard:
    """The model of that name; for None the first that trains. Raises InvalidInput, Conflict."""
    if name is None:
        model = next((model for model in card.models if model.trains), None)
        if model is None:
            raise Conflict("No model of this task can be trained.")
        return model
    model = card.model(name)
    if model is None:
        known = ", ".join(model.name for model in card.models)
        raise InvalidInput.of([Fault("/model", f"There is no model of that name; there are: {known}.")])
    if not model.trains:
        raise Conflict(f"The model {name} cannot be trained.")
    return model


def checked_parameters(model: ModelCard, raw: bytes) -> dict[str, Any]:
    """Training parameters from JSON, with defaults for what is left out. Raises InvalidInput."""
    try:
        return InputCodec(model.training).decode_inputs(raw)
    except InvalidInput as refusal:
        raise InvalidInput.of(
            [
                Fault(fault.pointer.replace("/inputs", "/parameters", 1), fault.detail)
                for fault in refusal.faults
            ]
        ) from None


def submit(services: Services, order: TrainOrder) -> Job:
    """A queued job, or the unfinished one that trains the very same. Raises InvalidInput for a file there is not."""
    if order.data is not None:
        _check_file(services, order)
    parameters = dict(order.parameters)
    seed = parameters.get("seed", order.seed)
    alike = (order.task.name, order.model.name, parameters, order.data, seed)
    drawn = seed % SEED_LIMIT if isinstance(seed, int) else secrets.randbelow(SEED_LIMIT)
    payload = TrainPayload(parameters=parameters, seed=drawn, data=order.data)
    fingerprint = hashlib.sha256(msgspec.json.encode(("train", *alike), order="sorted")).hexdigest()
    new = NewJob(
        owner=order.owner,
        kind=Lane.TRAIN,
        task=order.task.name,
        model=order.model.name,
        payload=msgspec.json.encode(payload),
        title=f"Train: {order.task.title}",
        files=(order.data,) if order.data is not None else (),
        fingerprint=fingerprint,
        idempotency_key=order.idempotency_key,
        waiting_limit=waiting_limit(services, order.owner),
    )
    if services.gate is not None:
        services.gate.quotas.refuse_when_full(order.owner)
    return services.desk.submit(new).job


def _check_file(services: Services, order: TrainOrder) -> None:
    fault = InvalidInput.of([Fault("/data", "There is no such file.")])
    try:
        stored = services.files.get(order.data or "")
    except NotFound:
        raise fault from None
    if stored.owner != order.owner:
        raise fault


def payload_of(job: Job) -> TrainPayload:
    """What a train job is to do."""
    return msgspec.json.decode(job.payload, type=TrainPayload)


def recent_runs(services: Services, task: str, limit: int) -> list[Job]:
    """The last trainings of a task, whoever asked for them, the newest first."""
    filters = JobFilters(task=task, kind=Lane.TRAIN)
    return list(services.desk.list(None, filters, limit=limit).items)


def estimate_s(services: Services, task: str, model: str) -> float | None:
    """How long the last trainings of this model took, the middle one; None when there was none."""
    runs = recent_runs(services, task, _LOOKED_AT)
    took = sorted(
        (run.finished_at - run.started_at).total_seconds()
        for run in runs
        if run.model == model and run.state == "succeeded" and run.finished_at and run.started_at
    )
    return took[len(took) // 2] if took else None
