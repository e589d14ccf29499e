"""For administrators: users, who may do what with each task, and the record of what was done."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import PUBLIC, TASK_ACTIONS, USUAL, Action, Role
from frontdesk.errors import Conflict, Fault, FrontdeskError, InvalidInput, NotFound
from frontdesk.serve.admission import forget_callers
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.pages.signin import texts
from frontdesk.serve.problems import problem_of
from frontdesk.serve.services import services_of
from frontdesk.serve.signing import by, gate_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require

_DEEDS = 50
_LIMITS = ("jobs_waiting_limit", "stored_bytes_limit", "requests_limit")
_MOST_DIGITS = 15


async def show_admin(request: Request) -> Response:
    """GET /admin?before="""
    return await _admin(request)


async def add_user(request: Request) -> Response:
    """POST /admin/users: somebody new, and the link they need."""
    require(request, Action.ADMIN)
    gate, fields = gate_of(request), await texts(request, "email", "name", "role")
    try:
        role = _role(fields["role"])
        user = await in_thread(gate.users.add, by(request), fields["email"], fields["name"], role)
    except (InvalidInput, Conflict) as refusal:
        return await _refused(request, refusal)
    code = await in_thread(gate.invitations.add, by(request), user.id)
    return await _admin(request, link=link_of(request, code), link_of=user.email)


async def change_user(request: Request) -> Response:
    """POST /admin/users/{id}: role, and whether they may come in."""
    require(request, Action.ADMIN)
    fields = await texts(request, "role", "active")
    changes: dict[str, Any] = {"active": fields["active"] == "yes"}
    try:
        changes["role"] = _role(fields["role"])
        await in_thread(gate_of(request).users.change, by(request), request.path_params["id"], **changes)
    except (InvalidInput, Conflict) as refusal:
        return await _refused(request, refusal)
    forget_callers(request)
    return RedirectResponse("/admin", 303)


async def change_limits(request: Request) -> Response:
    """POST /admin/users/{id}/limits: empty is the usual one, 0 is none."""
    require(request, Action.ADMIN)
    fields = await texts(request, *_LIMITS)
    try:
        changes = {name: _limit(name, fields[name]) for name in _LIMITS}
    except InvalidInput as refusal:
        return await _refused(request, refusal)
    await in_thread(gate_of(request).users.change, by(request), request.path_params["id"], **changes)
    forget_callers(request)
    return RedirectResponse("/admin", 303)


async def make_link(request: Request) -> Response:
    """POST /admin/users/{id}/link: to choose a password with, for the first time or anew."""
    require(request, Action.ADMIN)
    gate = gate_of(request)
    user = await in_thread(gate.users.get, request.path_params["id"])
    code = await in_thread(gate.invitations.add, by(request), user.id)
    return await _admin(request, link=link_of(request, code), link_of=user.email)


async def change_rules(request: Request) -> Response:
    """POST /admin/rules/{task}"""
    require(request, Action.ADMIN)
    gate, task = gate_of(request), request.path_params["task"]
    if task not in services_of(request).tasks:
        raise NotFound("There is no task of that name.")
    fields = await texts(request, *TASK_ACTIONS)
    before = await in_thread(gate.rules)
    for action in TASK_ACTIONS:
        wanted = fields[action] or None
        if wanted is not None and wanted not in (PUBLIC, *Role):
            raise NotFound("There is no such role.")
        if wanted != before.chosen.get((task, action)):
            await in_thread(gate.set_rule, by(request), task, action, wanted)
    forget_callers(request)
    return RedirectResponse("/admin#rules", 303)


async def _refused(request: Request, refusal: FrontdeskError) -> Response:
    problem = problem_of(refusal)
    detail = "; ".join(fault.detail for fault in problem.errors) or problem.detail
    return await _admin(request, problem.status, refusal=detail)


async def _admin(request: Request, status: int = 200, **more: str) -> Response:
    require(request, Action.ADMIN)
    gate = gate_of(request)
    before = request.query_params.get("before", "")
    deeds = await in_thread(
        gate.audit.list, _DEEDS, int(before[:18]) if before.isascii() and before.isdigit() else None
    )
    return page(
        request, "admin.html", status,
        users=await in_thread(gate.users.list), deeds=deeds, tasks=services_of(request).tasks,
        rules=await in_thread(gate.rules), roles=list(Role), actions=TASK_ACTIONS, usual=USUAL, public=PUBLIC,
        **{"link": "", "link_of": "", "refusal": ""} | more,
    )  # fmt: skip


def link_of(request: Request, code: str) -> str:
    """The address of an invitation."""
    return f"{str(request.base_url).rstrip('/')}/welcome?code={code}"


def _role(text: str) -> Role:
    if text not in set(Role):
        raise InvalidInput.of([Fault("/role", "There is no such role.")])
    return Role(text)


def _limit(name: str, text: str) -> int | None:
    text = text.strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise InvalidInput.of([Fault(f"/{name}", "A limit is a whole number, or empty.")])
    return int(text) if text else None
