"""The job: a durable record of work, and the moves its state may make.

    queued ──claim──> running ──finish──> succeeded
      ^  │               │ ├────fail────> failed ─────┐
      │  └──cancel───────┴─┴───cancel───> cancelled ──┤
      └───────────────────retry (a new attempt)───────┘

A running job whose worker is lost goes back to `queued` until its attempts are used up.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from frontdesk.errors import FrontdeskError, InvalidInput


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether only a retry leads out of it."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
RETRYABLE_STATES = frozenset({JobState.FAILED, JobState.CANCELLED})


class Lane(StrEnum):
    """What kind of work a job is; each kind waits in a line of its own."""

    PREDICT = "predict"
    BATCH = "batch"
    TRAIN = "train"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is. `total` 0 means nobody knows."""

    done: int = 0
    total: int = 0
    message: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table `jobs`. `id` is the ticket. `payload` and `outputs` are JSON documents.

    For a predict job `payload` is {"inputs": {...}}, in which a binary input is {"file": FILE_ID}.
    `error` is a sentence for its owner, `error_kind` the name of a class of `errors`.
    `version` is what was asked for (None: the live one) until a worker answers, then what answered.
    """

    id: str
    owner: str
    kind: Lane
    task: str
    model: str
    version: int | None
    state: JobState
    payload: bytes
    outputs: bytes | None
    error: str | None
    error_kind: str | None
    progress: Progress
    metrics: dict[str, Any]
    attempts: int
    archived: bool
    title: str
    input_file: str | None
    result_file: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class NewJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a submitter hands in. `files` are ids of stored files that the job now holds.

    `waiting_limit` is how many jobs of the owner may wait at once, 0 for any number.
    `fingerprint` is equal for identical requests of one owner; an unfinished twin is returned instead of a new job.
    """

    owner: str
    kind: Lane
    task: str
    model: str
    version: int | None = None
    payload: bytes = b"{}"
    title: str = ""
    files: tuple[str, ...] = ()
    input_file: str | None = None
    fingerprint: str = ""
    idempotency_key: str | None = None
    waiting_limit: int = 0


class Submitted(msgspec.Struct, frozen=True):
    """The job that stands for a request, and whether this request made it."""

    job: Job
    is_new: bool


class Lease(msgspec.Struct, frozen=True):
    """A worker's right to a job. `token` fences: every claim raises it, and a write with an old one is refused."""

    job: Job
    token: int


OUR_FAULT = "frontdesk itself failed on this job; the server's log says how."


class Failure(msgspec.Struct, frozen=True):
    """Why a job cannot be done: a sentence for its owner, and the name of the error, where it has one."""

    reason: str
    kind: str | None = None

    @classmethod
    def of(cls, error: FrontdeskError) -> Failure:
        """What is kept of this error."""
        if isinstance(error, InvalidInput):
            return cls("; ".join(fault.detail for fault in error.faults), InvalidInput.__name__)
        return cls(str(error), type(error).__name__)


class Standing(msgspec.Struct, frozen=True):
    """Where a queued job stands: 1 is next. `wait_s` is an estimate, None when nothing is known yet."""

    position: int
    wait_s: float | None


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs of one lane and task that wait.

    `since`: the one that was handed in first has waited from then on; `waited_s`: for so long, by the database's clock.
    """

    lane: Lane
    task: str
    waiting: int
    since: datetime
    waited_s: float


class JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a job. `id` grows without limit and is what an event stream resumes from.

    `event`: state, progress, metrics, log.
    """

    id: int
    job: str
    owner: str
    event: str
    data: dict[str, Any]
    at: datetime
