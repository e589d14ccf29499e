"""Answering again what was answered before, for models that say for how long an answer holds (`cache_s`).

An answer is kept under all it depends on: task, model, version, the author's code, and the inputs with what is in
their files. So another live version or other code never meets an answer of the one before. Failures are never kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

from frontdesk.monitor.collector import Collector
from frontdesk.serve.inputs import TaskInputs, Wire
from frontdesk.serve.outcomes import Answered, Ticketed
from frontdesk.serve.services import Services
from frontdesk.serve.threads import in_thread
from frontdesk.serve.tickets import Question
from frontdesk.store.answers import Answers


class Remembering:
    """Between whoever asks and the models."""

    def __init__(self, services: Services, inputs: Mapping[str, TaskInputs], collector: Collector) -> None:
        self._answers = Answers(services.limits.answers_bytes, services.redis)
        self._versions, self._inputs, self._collector = services.versions, inputs, collector

    async def ask(
        self, question: Question, inputs: Wire, ask_model: Callable[[], Awaitable[Answered | Ticketed]]
    ) -> Answered | Ticketed:
        """The answer that is kept, as a prediction of its own; or the model's, which is kept from now on."""
        began = perf_counter()
        fingerprint, version = await in_thread(self._place, question, inputs)
        if version is not None and (kept := await self._answers.get(f"{fingerprint}:{version}")) is not None:
            return self._again(question, inputs, version, kept, perf_counter() - began)
        outcome = await ask_model()
        if isinstance(outcome, Answered):
            key = f"{fingerprint}:{outcome.version}"  # of the version that did answer: another may be live by now
            await self._answers.put(key, outcome.outputs, question.model.cache_s or 0.0)
        return outcome

    def _again(
        self, question: Question, inputs: Wire, version: int, outputs: bytes, took_s: float
    ) -> Answered:
        key = (question.task.name, question.model.name, version)
        prediction = self._collector.answered(
            question.owner, key, took_s, inputs, outputs, is_wanted=question.is_from_page
        )
        return Answered(prediction, question.model.name, version, outputs, is_cached=True)

    async def stop(self) -> None:
        """Let go of where answers are kept."""
        await self._answers.close()

    def _place(self, question: Question, inputs: Wire) -> tuple[str, int | None]:
        task, model = question.task.name, question.model
        fingerprint = self._inputs[task].fingerprint(
            inputs, question.owner, "answer", task, model.name, model.code_sha256
        )
        if question.version is not None:
            return fingerprint, question.version
        if not model.trains:
            return fingerprint, 1
        live = self._versions.live(task, model.name)
        return fingerprint, None if live is None else live.number
