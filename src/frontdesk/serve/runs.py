"""Whose trainings may be looked at: one's own, and those of tasks one may train."""

from __future__ import annotations

from starlette.requests import Request

from frontdesk.access.rules import Action
from frontdesk.desk.job import Job
from frontdesk.serve.who import caller_of, readable_job


async def visible_job(request: Request) -> Job:
    """The job of this address. Raises NotFound for one that this caller may not see."""
    return await readable_job(request, request.path_params["id"])


def may_train(request: Request, task: str) -> bool:
    """Whether this caller may train models of the task."""
    return caller_of(request).may(Action.TRAIN, task)
