"""The one place that asks: pages, API and classic routes all come through here.

question ──> host ──> Answered                 the common case: nothing is written
              ├── the model lets answers be kept ─> Answered without a host, if it was asked before (remembering.py)
              ├── it takes too long, or this process ends ─> Ticketed: the call goes on as a job (adopted.py)
              └── the client hangs up: the call is taken out of the line, or ends unheard
question with an Idempotency-Key ─> job ─> Answered once it is done, or Ticketed
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import perf_counter
from typing import cast

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Receive

from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.desk.job import Job, JobState
from frontdesk.errors import (
    CallTimeout,
    Conflict,
    Fault,
    FrontdeskError,
    HostCrashed,
    InvalidInput,
    ModelBroken,
    NoAnswer,
    NotFound,
    NotTrained,
    PredictFailed,
)
from frontdesk.host.client import UNHEARD, HostAnswer
from frontdesk.monitor.collector import Collector
from frontdesk.serve.adopted import AdoptedCalls
from frontdesk.serve.inputs import TaskInputs, Wire
from frontdesk.serve.live import Hub
from frontdesk.serve.metrics import Metrics
from frontdesk.serve.outcomes import Answered, Ticketed
from frontdesk.serve.remembering import Remembering
from frontdesk.serve.services import Services
from frontdesk.serve.threads import in_thread
from frontdesk.serve.tickets import Question, Tickets, check_version

__all__ = ["Answered", "Asker", "Question", "Ticketed", "asker_of", "refusal_of"]

_LOOK_S = 5.0
_LISTEN_AFTER_S = (
    0.1  # quick calls, which are nearly all, do not pay for listening whether the client hangs up
)

_PARTING_S = 1.0


class Asker:
    """Asks models on behalf of owners."""

    def __init__(self, services: Services, hub: Hub, metrics: Metrics, collector: Collector) -> None:
        self._services, self._hub, self._metrics, self._collector = services, hub, metrics, collector
        self._adopted = AdoptedCalls(services.desk, hub, services.limits.lease_s)
        self._inputs = {name: TaskInputs(card, services.files) for name, card in services.tasks.items()}
        self._tickets = Tickets(services, self._inputs)
        self._remembering = Remembering(services, self._inputs, collector)

    # ------------------------------------------------------------------- putting a question

    def task(self, name: str) -> TaskCard:
        """The task of that name, or NotFound."""
        card = self._services.tasks.get(name)
        if card is None:
            raise NotFound("There is no task of that name.")
        return card

    def model(self, card: TaskCard, name: str | None) -> ModelCard:
        """The model of that name, the default one for None; a name the task does not know is a fault of the request."""
        model = card.model(name)
        if model is None:
            known = ", ".join(model.name for model in card.models)
            raise InvalidInput.of([Fault("/model", f"There is no model of that name; there are: {known}.")])
        return model

    def inputs(self, card: TaskCard) -> TaskInputs:
        """What decodes and keeps the inputs of a task."""
        return self._inputs[card.name]

    # -------------------------------------------------------------------------------- asking

    async def ask(
        self, question: Question, wait_s: float | None = None, *, receive: Receive | None = None
    ) -> Answered | Ticketed:
        """Ask, and wait at most `wait_s` or as long as the server lets anybody wait.

        With `receive`, of a request whose body was read, no longer than its client does.

        Raises what the host raises (see errors.HostError), InvalidInput, NotTrained and IdempotencyMismatch;
        ClientDisconnect.
        """
        limit_s = self._services.limits.wait_s
        if wait_s is not None and wait_s < limit_s:
            limit_s = wait_s
        if question.idempotency_key is not None:
            return await self._ask_through_job(question, limit_s)
        if limit_s <= 0:
            return Ticketed(await self.submit(question))
        if question.version is not None:
            await in_thread(
                check_version, self._services, question.task.name, question.model, question.version
            )
        inputs = question.inputs
        if self._inputs[question.task.name].may_refer_to_files:
            inputs = await in_thread(self._inputs[question.task.name].with_contents, inputs, question.owner)
        if question.model.cache_s is None:
            return await self._ask_model(question, inputs, limit_s, receive)
        return await self._remembering.ask(
            question, inputs, lambda: self._ask_model(question, inputs, limit_s, receive)
        )

    async def _ask_model(
        self, question: Question, inputs: Wire, limit_s: float, receive: Receive | None
    ) -> Answered | Ticketed:
        began = perf_counter()
        call = asyncio.ensure_future(self._call(question, inputs))
        if await _is_done(call, min(limit_s, _LISTEN_AFTER_S)) or await self._is_done_unless_left(
            call, limit_s - _LISTEN_AFTER_S, receive
        ):
            answer, prediction = call.result(), self._count(question, call, began, inputs)
            return Answered(prediction, question.model.name, answer.version, answer.outputs)
        return Ticketed(await self._adopt(question, call, began, inputs))

    async def submit(self, question: Question) -> Job:
        """Leave the question with the desk; the job is the ticket."""
        return await in_thread(self._tickets.submit, question)

    async def compare(
        self, question: Question, *, receive: Receive | None = None
    ) -> dict[str, Answered | Ticketed | FrontdeskError]:
        """Put the same question to every model of its task, all at once. One that fails does not hurt the others."""
        names = [model.name for model in question.task.models]
        results = await asyncio.gather(
            *(self._ask_one_of(question, model, receive) for model in question.task.models)
        )
        return dict(zip(names, results, strict=True))

    async def stop(self) -> None:
        """End with nothing lost."""
        await self._adopted.stop()
        await self._remembering.stop()

    async def _ask_one_of(
        self, question: Question, model: ModelCard, receive: Receive | None
    ) -> Answered | Ticketed | FrontdeskError:
        key = question.idempotency_key
        try:
            return await self.ask(
                replace(
                    question,
                    model=model,
                    version=None,
                    idempotency_key=None if key is None else f"{key}/{model.name}",
                ),
                receive=receive,
            )
        except InvalidInput:
            raise  # it is the question that is wrong, for all models alike
        except FrontdeskError as error:
            return error

    # ---------------------------------------------------------------------------- the host

    async def _call(self, question: Question, inputs: Wire) -> HostAnswer:
        task, model = question.task.name, question.model.name
        try:
            answer = await self._services.hosts.call(task, model, question.version, inputs, on_cancel="kill")
        except FrontdeskError as error:
            self._metrics.failed(task, model, error)
            self._collector.failed(task, model)
            raise
        self._metrics.answered(task, model, answer.seconds)
        return answer

    async def _is_done_unless_left(
        self, call: asyncio.Task[HostAnswer], timeout_s: float, receive: Receive | None
    ) -> bool:
        """Wait on for a call that is not quick; end it when the client hangs up, leave it when this process ends."""
        if timeout_s <= 0:
            return call.done()
        left = asyncio.ensure_future(_left(receive))
        closing = asyncio.ensure_future(self._hub.closing.wait())
        try:
            await asyncio.wait({call, left, closing}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not call.done():
                call.cancel(UNHEARD)
                raise ClientDisconnect
            # What is nearly done is waited for: most clients like an answer better than a ticket.
            return await _is_done(call, _PARTING_S) if closing.done() else call.done()
        finally:
            left.cancel()
            closing.cancel()

    def _count(
        self, question: Question, call: asyncio.Task[HostAnswer], began: float, inputs: Wire, job: str = ""
    ) -> str:
        """Have an answer counted; give the id of the prediction, that of its job if it has one."""
        if call.cancelled() or call.exception() is not None:
            return job
        answer, took_s = call.result(), perf_counter() - began
        key = (question.task.name, question.model.name, answer.version)
        return self._collector.answered(
            question.owner, key, took_s, inputs, answer.outputs, is_wanted=question.is_from_page, known_as=job
        )

    async def _adopt(
        self, question: Question, call: asyncio.Task[HostAnswer], began: float, inputs: Wire
    ) -> Job:
        """Make a job of a call that is under way."""
        try:
            lease = await in_thread(self._tickets.adopt, question)
        except BaseException:
            call.cancel()
            raise
        call.add_done_callback(lambda call: self._count(question, call, began, inputs, lease.job.id))
        self._adopted.keep(lease, call)
        return lease.job

    # ---------------------------------------------------------------------------- the desk

    async def _ask_through_job(self, question: Question, limit_s: float) -> Answered | Ticketed:
        job = await self.wait_for(await self.submit(question), limit_s)
        match job.state:
            case JobState.SUCCEEDED:
                assert job.outputs is not None
                assert job.version is not None
                return Answered(job.id, job.model, job.version, job.outputs)
            case JobState.FAILED | JobState.CANCELLED:
                raise refusal_of(job)
        return Ticketed(job)

    async def wait_for(self, job: Job, wait_s: float) -> Job:
        """The job once it is over, or as it is after `wait_s`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        with self._hub.watching(job.id) as watch:
            while not job.state.is_final and not self._hub.closed:
                job = await in_thread(self._services.desk.get, job.id, job.owner)
                left_s = end - loop.time()
                if job.state.is_final or left_s <= 0:
                    break
                await watch.wait(min(left_s, _LOOK_S))
        return job


def asker_of(request: HTTPConnection) -> Asker:
    """The asker of the app that got this request."""
    return cast(Asker, request.app.state.asker)


_REFUSALS: dict[str | None, type[FrontdeskError]] = {
    error.__name__: error for error in (CallTimeout, HostCrashed, ModelBroken, NoAnswer, NotFound, NotTrained)
}


def refusal_of(job: Job) -> FrontdeskError:
    """Why this job has no answer: the error it failed with, as it would have been raised without a job."""
    if job.state is JobState.CANCELLED:
        return Conflict("The job of this request was cancelled.")
    reason = job.error or "The model could not answer."
    if job.error_kind == InvalidInput.__name__:
        return InvalidInput.of([Fault("/inputs", reason)])
    return _REFUSALS.get(job.error_kind, PredictFailed)(reason)


async def _is_done(call: asyncio.Task[HostAnswer], timeout_s: float) -> bool:
    """Wait for the call without ending it. The bare minimum of `asyncio.wait`, for the hot path."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(timeout_s, wake)
    call.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
    return call.done()


async def _left(receive: Receive | None) -> None:
    """Wait until the client hangs up; for ever where that cannot be told."""
    if receive is None:
        await asyncio.get_running_loop().create_future()
        return
    while (await receive())["type"] != "http.disconnect":
        pass
