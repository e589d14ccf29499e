"""The JSON documents of the API: one struct each, which is also where OpenAPI reads their schemas."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from frontdesk.declare.schema import inputs_schema, outputs_schema, parameters_schema
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job, JobState, Lane, Progress, Standing
from frontdesk.desk.queue import Desk
from frontdesk.serve.problems import ProblemDocument
from frontdesk.store.files import StoredFile


class ModelDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a task. `version` is the live one; null while it has not been trained."""

    name: str
    title: str
    description: str
    is_default: bool
    trains: bool
    version: int | None


class TaskDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A task. `inputs`, `outputs` and, by model, `training` are JSON Schemas."""

    name: str
    title: str
    description: str
    models: list[ModelDocument]
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    training: dict[str, dict[str, Any]]


class AnswerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction. `outputs` follows the task's output schema; `cached` is there where no model was asked."""

    id: str
    model: str
    version: int
    outputs: msgspec.Raw
    cached: bool | msgspec.UnsetType = msgspec.UNSET


class ModelAnswerDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one model made of the inputs: its outputs, or the job that will have them, or the problem it had."""

    model: str
    version: int | None = None
    id: str | None = None
    outputs: msgspec.Raw | None = None
    cached: bool = False
    job: JobDocument | None = None
    problem: ProblemDocument | None = None


class ComparisonDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The same inputs, answered by every model of the task, in the task's order."""

    answers: list[ModelAnswerDocument]


class JobDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `position` 1 is next in line, and `wait_s` estimates how long that takes. `result` is an address.

    `owner` is the id of the user it belongs to, or what stands for one who has not signed in.
    """

    id: str
    owner: str
    kind: Lane
    task: str
    model: str
    version: int | None
    title: str
    state: JobState
    archived: bool
    position: int | None
    wait_s: float | None
    progress: Progress
    metrics: dict[str, Any]
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    outputs: msgspec.Raw | None
    result: str | None


class JobsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One page of jobs. `next` is the cursor of the following page: there may be more even where this one is short."""

    items: list[JobDocument]
    next: str | None


class FileDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A stored file."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime


def task_document(card: TaskCard, live_versions: dict[str, int | None]) -> TaskDocument:
    """A task as the API shows it."""
    return TaskDocument(
        name=card.name,
        title=card.title,
        description=card.description,
        models=[
            ModelDocument(
                name=model.name,
                title=model.title,
                description=model.description,
                is_default=number == 0,
                trains=model.trains,
                version=live_versions.get(model.name),
            )
            for number, model in enumerate(card.models)
        ],
        inputs=inputs_schema(card.signature.inputs),
        outputs=outputs_schema(card.signature.outputs),
        training={model.name: parameters_schema(model.training) for model in card.models if model.trains},
    )


def counted_job_document(desk: Desk, job: Job) -> JobDocument:
    """A job with its place in line, which is counted now: call it in the thread pool."""
    return job_document(job, desk.standing(job) if job.state is JobState.QUEUED else None)


def job_document(job: Job, standing: Standing | None) -> JobDocument:
    """A job as the API shows it."""
    has_result = job.state is JobState.SUCCEEDED
    return JobDocument(
        id=job.id,
        owner=job.owner,
        kind=job.kind,
        task=job.task,
        model=job.model,
        version=job.version,
        title=job.title,
        state=job.state,
        archived=job.archived,
        position=None if standing is None else standing.position,
        wait_s=None if standing is None else standing.wait_s,
        progress=job.progress,
        metrics=job.metrics,
        attempts=job.attempts,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        error=job.error,
        outputs=None if job.outputs is None else msgspec.Raw(job.outputs),
        result=f"/api/jobs/{job.id}/result" if has_result else None,
    )


def file_document(stored: StoredFile) -> FileDocument:
    """A stored file as the API shows it."""
    return FileDocument(
        id=stored.id,
        name=stored.name,
        media_type=stored.media_type,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        created_at=stored.created_at,
    )
