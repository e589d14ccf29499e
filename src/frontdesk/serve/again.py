"""The same work once more, by another model or version. Synchronous: call it in the thread pool."""

from __future__ import annotations

import hashlib

import msgspec

from frontdesk.access.rules import Action
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job, Lane, NewJob
from frontdesk.errors import Conflict, Fault, InvalidInput, NotFound
from frontdesk.serve.services import Services, waiting_limit
from frontdesk.serve.tickets import refuse_hopeless

ACTIONS = {Lane.PREDICT: Action.ASK, Lane.BATCH: Action.BATCH}
"""What somebody must be allowed to do to have a job of each kind done again."""


class Again(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to do it: the model and version of before, where nothing else is said; version 0 is the live one."""

    model: str | None = None
    version: int | None = None


def task_of(services: Services, job: Job) -> TaskCard:
    """The task of a job that can be done again."""
    if job.kind not in ACTIONS:
        raise Conflict("A training is not repeated from its job: start another one on the page Train.")
    card = services.tasks.get(job.task)
    if card is None:
        raise NotFound(f"The task {job.task} is served no more.")
    return card


def submit_again(services: Services, job: Job, wanted: Again, key: str | None) -> Job:
    """A new job of the same owner with the same input, which both then hold. What is asked twice gets one job."""
    card = task_of(services, job)
    model = card.model(wanted.model or job.model)
    if model is None:
        raise InvalidInput.of([Fault("/model", "There is no model of that name.")])
    version = wanted.version or None
    refuse_hopeless(services, card.name, model, version)
    return services.desk.submit(
        NewJob(
            owner=job.owner,
            kind=job.kind,
            task=job.task,
            model=model.name,
            version=version,
            payload=job.payload,
            title=job.title,
            files=services.desk.files_asked_with(job),
            input_file=job.input_file,
            fingerprint=hashlib.sha256(f"again {job.id} {model.name} {version}".encode()).hexdigest(),
            idempotency_key=key,
            waiting_limit=waiting_limit(services, job.owner),
        )
    ).job
