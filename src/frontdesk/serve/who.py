"""Who asks, and whether they may."""

from __future__ import annotations

from typing import cast

from starlette.requests import HTTPConnection

from frontdesk.access.caller import LOCAL, LOCAL_OWNER, Caller
from frontdesk.access.rules import Action
from frontdesk.errors import Forbidden, NotSignedIn

__all__ = ["LOCAL_OWNER", "caller_of", "owner_of", "require"]

CALLER = "frontdesk.caller"
"""Where a request's scope has its caller."""


def caller_of(request: HTTPConnection) -> Caller:
    """Whoever sent this request."""
    return cast(Caller, request.scope.get(CALLER, LOCAL))


def owner_of(request: HTTPConnection) -> str:
    """The owner whose jobs and files this request may see."""
    return caller_of(request).owner


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
