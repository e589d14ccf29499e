"""From a question to a job, synchronously: call these in the thread pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.desk.job import Job, Lane, Lease, NewJob
from frontdesk.errors import Fault, InvalidInput, NotTrained
from frontdesk.serve.inputs import TaskInputs, Wire
from frontdesk.serve.services import Services, waiting_limit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, already checked against the signature. `version` None means the live one.

    `is_from_page`: a person asks, who may want to say whether the answer was right.
    """

    owner: str
    task: TaskCard
    model: ModelCard
    version: int | None
    inputs: Wire
    idempotency_key: str | None = None
    is_from_page: bool = False


class Tickets:
    """Makes jobs of questions."""

    def __init__(self, services: Services, inputs: Mapping[str, TaskInputs]) -> None:
        self._services, self._inputs = services, inputs

    def submit(self, question: Question) -> Job:
        """A queued job, or the unfinished one that asks the very same."""
        refuse_hopeless(self._services, question.task.name, question.model, question.version)

        def submit(new: NewJob) -> tuple[Job, bool]:
            submitted = self._services.desk.submit(new)
            return submitted.job, submitted.is_new

        return self._with_files(question, submit)

    def adopt(self, question: Question) -> Lease:
        """A job that is running already: here, in this process."""

        def adopt(new: NewJob) -> tuple[Lease, bool]:
            return self._services.desk.adopt(new, self._services.name, self._services.limits.lease_s), True

        return self._with_files(question, adopt)

    def _with_files(self, question: Question, make: Callable[[NewJob], tuple[T, bool]]) -> T:
        """Store the inputs, then make the job. Files that no job came to hold are taken back."""
        inputs = self._inputs[question.task.name]
        task, model = question.task.name, question.model.name
        fingerprint = inputs.fingerprint(question.inputs, question.owner, task, model, question.version)
        if inputs.may_refer_to_files and self._services.gate is not None:
            self._services.gate.quotas.refuse_when_full(question.owner)
        stored = inputs.stored(question.inputs, question.owner)
        new = NewJob(
            owner=question.owner,
            kind=Lane.PREDICT,
            task=task,
            model=model,
            version=question.version,
            payload=stored.payload,
            title=question.task.title,
            files=stored.files,
            fingerprint=fingerprint,
            idempotency_key=question.idempotency_key,
            waiting_limit=waiting_limit(self._services, question.owner),
        )
        is_new = False
        try:
            made, is_new = make(new)
        finally:
            if not is_new:
                inputs.discard(stored)
        return made


def refuse_hopeless(services: Services, task: str, model: ModelCard, version: int | None) -> None:
    """A ticket is a promise, so none is given for what cannot be answered as things are."""
    check_version(services, task, model, version)
    if (
        version is None
        and model.trains
        and not model.trains_at_first_start
        and services.versions.live(task, model.name) is None
    ):
        raise NotTrained(f"The model {model.name} has no version yet: it has to be trained first.")


def check_version(services: Services, task: str, model: ModelCard, version: int | None) -> None:
    """Refuse a version there is not; None is the live one."""
    if version is None or (version == 1 and not model.trains):
        return  # a model that is not trained here has one version, and no record of it
    if services.versions.get(task, model.name, version) is None:
        raise InvalidInput.of([Fault("/version", "The model has no such version.")])
