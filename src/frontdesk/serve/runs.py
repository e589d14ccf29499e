"""Whose trainings may be looked at: one's own, and those of tasks one may train."""

from __future__ import annotations

from starlette.requests import Request

from frontdesk.access.rules import Action
from frontdesk.desk.job import Job, Lane
from frontdesk.errors import NotFound
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of, owner_of


async def visible_job(request: Request) -> Job:
    """The job of this address. Raises NotFound for one that this caller may not see."""
    job = await in_thread(services_of(request).desk.get, request.path_params["id"], None)
    if job.owner == owner_of(request) or (job.kind is Lane.TRAIN and may_train(request, job.task)):
        return job
    raise NotFound("There is no such job.")


def may_train(request: Request, task: str) -> bool:
    """Whether this caller may train models of the task."""
    return caller_of(request).may(Action.TRAIN, task)
