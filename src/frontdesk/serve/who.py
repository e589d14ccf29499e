"""Who asks, and whether they may."""

from __future__ import annotations

from enum import StrEnum
from typing import cast

from starlette.requests import HTTPConnection

from frontdesk.access.caller import LOCAL_OWNER, VISITOR_PREFIX, Caller
from frontdesk.access.rules import TASK_ACTIONS, Action
from frontdesk.desk.job import Job, Lane
from frontdesk.errors import Forbidden, NotFound, NotSignedIn
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread

__all__ = ["LOCAL_OWNER", "caller_of", "owner_of", "require"]

CALLER = "frontdesk.caller"
"""Where a request's scope has its caller."""


class Door(StrEnum):
    """Who may come to an address at all; what they may do there is another question."""

    USERS = "users"  # whoever has signed in, or shows a token
    VISITORS = "visitors"  # others, too, where some task is public
    ANYBODY = "anybody"


def caller_of(request: HTTPConnection) -> Caller:
    """Whoever sent this request."""
    return cast(Caller, request.scope[CALLER])


def owner_of(request: HTTPConnection) -> str:
    """The owner whose jobs and files this request may see."""
    return caller_of(request).owner


def enter(request: HTTPConnection, door: Door) -> None:
    """Raises NotSignedIn for somebody this door is closed to."""
    caller = caller_of(request)
    if caller.is_visitor and (door is Door.USERS or (door is Door.VISITORS and not caller.rules.has_public)):
        raise NotSignedIn


def require(request: HTTPConnection, action: Action, task: str | None = None) -> Caller:
    """The caller, who may do this. Raises NotSignedIn or Forbidden."""
    caller = caller_of(request)
    if caller.may(action, task):
        return caller
    if caller.is_visitor:
        raise NotSignedIn
    raise Forbidden(_refusal(caller, action, task))


def _refusal(caller: Caller, action: Action, task: str | None) -> str:
    what = f"{action} {task}" if task else str(action)
    if caller.token is not None and action not in caller.scopes:
        return f"This token may not {what}: it does not have the scope {action}."
    if caller.tasks is not None and task is not None and task not in caller.tasks:
        return f"This token is not for the task {task}."
    least = caller.rules.least(action, task)
    return f"Your role is {caller.role}; this takes the role {least} or one above."


async def readable_job(request: HTTPConnection, job_id: str) -> Job:
    """A job this caller may look at: their own, or a visitor's, whose id is the ticket, or a training of a task
    they may train. Administrators see all.

    Others' are not found, as if they did not exist; somebody who has not signed in is told to.
    """
    caller = caller_of(request)
    try:
        job = await in_thread(services_of(request).desk.get, job_id, None)
        if not _may_read(caller, job):
            raise NotFound("There is no such job.")
    except NotFound:
        if caller.is_visitor:
            raise NotSignedIn from None
        raise
    return job


def _may_read(caller: Caller, job: Job) -> bool:
    return (
        job.owner == caller.owner
        or caller.is_admin
        or job.owner.startswith(VISITOR_PREFIX)
        or (job.kind is Lane.TRAIN and caller.may(Action.TRAIN, job.task))
    )


async def changeable_job(request: HTTPConnection, job_id: str) -> str | None:
    """The owner in whose name this caller may change a job; None for administrators, who may change any."""
    caller = caller_of(request)
    job = await readable_job(request, job_id)
    if job.owner == caller.owner:
        return caller.owner
    if caller.is_admin:
        return None
    if job.owner.startswith(VISITOR_PREFIX):
        raise Forbidden("Only the browser that this ticket was given to may change it.")
    raise Forbidden("Only whoever began this training may change it.")


async def listed_owner(request: HTTPConnection) -> str | None:
    """Whose jobs to list: the caller's; for administrators anybody's with ?owner=ID or ?owner=E-MAIL, and everybody's
    with ?owner=*."""
    caller, asked = caller_of(request), request.query_params.get("owner")
    if not asked or asked == caller.owner:
        return caller.owner
    if not caller.is_admin:
        raise Forbidden("Only administrators may list the jobs of others.")
    gate = services_of(request).gate
    if "@" in asked and gate is not None:
        return (await in_thread(gate.users.by_email, asked)).id
    return None if asked == "*" else asked


def may_see(request: HTTPConnection, task: str) -> bool:
    """Whether this caller may know of a task: they may do something with it."""
    return any(caller_of(request).may(action, task) for action in TASK_ACTIONS)


def require_sight(request: HTTPConnection, task: str) -> None:
    """Raises NotSignedIn or Forbidden for somebody who may do nothing with a task."""
    if not may_see(request, task):
        require(request, Action.ASK, task)
