"""Saying whether an answer was right: page and API come through here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job, JobState, Lane
from frontdesk.errors import NotFound
from frontdesk.monitor.collector import EVERY_S, Collector
from frontdesk.monitor.feedback import Asked, Given
from frontdesk.monitor.judging import judged
from frontdesk.monitor.rows import said_of
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import owner_of

_YOUNG_S = 1.2 * EVERY_S


async def find(request: Request, prediction: str) -> Asked:
    """A prediction of whoever sent this request, or a question of theirs that became a job. Raises NotFound."""
    services, owner = services_of(request), owner_of(request)
    asked = await in_thread(_find, services, prediction, owner)
    if asked.said is None and time.time() - asked.at.timestamp() < _YOUNG_S:
        # The answer was given just now, and may be on its way to where it is kept: from here, or another web process.
        collector: Collector = request.app.state.collector
        await collector.flush()
        asked = await in_thread(_find, services, prediction, owner)
        if asked.said is None:
            await asyncio.sleep(_YOUNG_S)
            asked = await in_thread(_find, services, prediction, owner)
    return asked


def _find(services: Services, prediction: str, owner: str) -> Asked:
    known = [(card.name, model.name, 1) for card in services.tasks.values() for model in card.models]
    with contextlib.suppress(NotFound):
        return services.monitor.feedback.find(prediction, owner, known)
    with contextlib.suppress(NotFound):
        if (asked := of_job(services, services.desk.get(prediction, owner))) is not None:
            return asked
    raise NotFound("There is no such prediction.")


def of_job(services: Services, job: Job) -> Asked | None:
    """The prediction that a job is; None for one that is none, or not answered."""
    card = services.tasks.get(job.task)
    if job.kind is not Lane.PREDICT or job.state is not JobState.SUCCEEDED or card is None:
        return None
    assert job.outputs is not None
    return Asked(
        id=job.id, owner=job.owner, task=job.task, model=job.model, version=job.version or 1, at=job.created_at,
        said=said_of(card.signature.outputs, job.outputs),
    )  # fmt: skip


def give(
    services: Services, card: TaskCard, asked: Asked, right: bool | None, truth: Mapping[str, Any]
) -> Given:
    """Check what was said against what was answered, and note it. It takes a write. Raises InvalidInput."""
    judgement = judged(card.signature.outputs, asked.said, right, truth)
    return services.monitor.feedback.give(asked, judgement)
