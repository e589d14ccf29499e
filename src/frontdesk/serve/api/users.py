"""Users, rules and the record, for administrators; and /api/me for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.access.audit import Deed
from frontdesk.access.caller import User
from frontdesk.access.quotas import Quota
from frontdesk.access.rules import PUBLIC, TASK_ACTIONS, Action, Role
from frontdesk.errors import Fault, InvalidInput, NotFound
from frontdesk.serve.admission import csrf_of, forget_callers
from frontdesk.serve.api.reading import json_response, known_query, paging
from frontdesk.serve.api.structs import read_struct
from frontdesk.serve.services import services_of
from frontdesk.serve.signing import by, gate_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of, require


class UserDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A user. A limit of null is the server's usual one; 0 is none. `invitation` is an address that works once."""

    id: str
    email: str
    name: str
    role: Role
    active: bool
    created_at: datetime
    jobs_waiting_limit: int | None = None
    stored_bytes_limit: int | None = None
    requests_limit: int | None = None
    invitation: str | None = None


class UsersDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody, by address."""

    items: list[UserDocument]
    next: None = None


class NewUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to be added. They choose their password with the invitation in the answer."""

    email: str
    name: str = ""
    role: Role = Role.VIEWER


class UserChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What shall be different; what is left out stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    role: Role | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET
    jobs_waiting_limit: int | msgspec.UnsetType | None = msgspec.UNSET
    stored_bytes_limit: int | msgspec.UnsetType | None = msgspec.UNSET
    requests_limit: int | msgspec.UnsetType | None = msgspec.UNSET


class MeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever asks. `csrf_token` goes with unsafe requests of a browser, as X-CSRF-Token. A limit of 0 is none."""

    owner: str
    email: str | None
    name: str | None
    role: Role | None
    scopes: list[Action]
    tasks: list[str] | None
    jobs_waiting: Quota
    stored_bytes: Quota
    requests_limit: int
    csrf_token: str


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do `action` with `task`: the least role, or `public`. `is_chosen`: it is not merely the usual."""

    task: str
    action: Action
    least: str
    is_chosen: bool


class RulesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One for each task and action."""

    items: list[RuleDocument]
    next: None = None


class RuleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role, `public`, or null for what is usual."""

    least: str | None


class DeedsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the record, the newest first. `next` is the cursor of the following page."""

    items: list[Deed]
    next: str | None


async def show_me(request: Request) -> Response:
    """GET /api/me"""
    known_query(request)
    caller, gate = caller_of(request), services_of(request).gate
    none = Quota(0, 0)
    usage = None if gate is None else await in_thread(gate.quotas.usage, caller)
    user = caller.user
    return json_response(
        MeDocument(
            owner=caller.owner,
            email=None if user is None else user.email,
            name=None if user is None else user.name,
            role=caller.role,
            scopes=sorted(caller.scopes),
            tasks=None if caller.tasks is None else sorted(caller.tasks),
            jobs_waiting=none if usage is None else usage.jobs_waiting,
            stored_bytes=none if usage is None else usage.stored_bytes,
            requests_limit=0 if gate is None else gate.quotas.requests(caller),
            csrf_token="" if caller.token is not None else csrf_of(request),
        ),
        headers={"Cache-Control": "no-store"},
    )


async def list_users(request: Request) -> Response:
    """GET /api/users"""
    known_query(request)
    require(request, Action.ADMIN)
    users = await in_thread(gate_of(request).users.list)
    return json_response(UsersDocument(items=[_document(user) for user in users]))


async def add_user(request: Request) -> Response:
    """POST /api/users"""
    require(request, Action.ADMIN)
    gate, new = gate_of(request), await read_struct(request, NewUser)
    user = await in_thread(gate.users.add, by(request), new.email, new.name, new.role)
    return await _invited(request, user)


async def show_user(request: Request) -> Response:
    """GET /api/users/{id}"""
    require(request, Action.ADMIN)
    return json_response(_document(await in_thread(gate_of(request).users.get, request.path_params["id"])))


async def change_user(request: Request) -> Response:
    """PATCH /api/users/{id}"""
    require(request, Action.ADMIN)
    change = await read_struct(request, UserChange)
    changes: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET
    }
    for name, value in changes.items():
        if name.endswith("_limit") and value is not None and not 0 <= value < 2**62:
            raise InvalidInput.of([Fault(f"/{name}", "This must be null, or a number from 0 on.")])
    user_id = request.path_params["id"]
    user = await in_thread(gate_of(request).users.change, by(request), user_id, **changes)
    forget_callers(request)
    return json_response(_document(user))


async def invite_user(request: Request) -> Response:
    """POST /api/users/{id}/invitation: a link to choose a password with, for the first time or anew."""
    require(request, Action.ADMIN)
    return await _invited(request, await in_thread(gate_of(request).users.get, request.path_params["id"]))


async def list_rules(request: Request) -> Response:
    """GET /api/rules"""
    known_query(request)
    require(request, Action.ADMIN)
    rules = await in_thread(gate_of(request).rules)
    items = [
        RuleDocument(
            task=task, action=action, least=rules.least(action, task) or PUBLIC,
            is_chosen=(task, action) in rules.chosen,
        )
        for task in services_of(request).tasks
        for action in TASK_ACTIONS
    ]  # fmt: skip
    return json_response(RulesDocument(items=items))


async def change_rule(request: Request) -> Response:
    """PUT /api/rules/{task}/{action}"""
    require(request, Action.ADMIN)
    task, action = request.path_params["task"], request.path_params["action"]
    if task not in services_of(request).tasks or action not in TASK_ACTIONS:
        raise NotFound("There is no such rule.")
    change = await read_struct(request, RuleChange)
    if change.least is not None and change.least not in (PUBLIC, *Role):
        raise InvalidInput.of([Fault("/least", f"This must be {PUBLIC}, null, or one of {', '.join(Role)}.")])
    await in_thread(gate_of(request).set_rule, by(request), task, Action(action), change.least)
    forget_callers(request)
    return Response(status_code=204)


async def list_deeds(request: Request) -> Response:
    """GET /api/audit?limit=&cursor="""
    known_query(request, "limit", "cursor")
    require(request, Action.ADMIN)
    limit, cursor = paging(request)
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise InvalidInput.of([Fault("/cursor", "This is no cursor of a page of the record.")])
    before = None if cursor is None else int(cursor[:18])
    deeds = await in_thread(gate_of(request).audit.list, limit, before)
    return json_response(DeedsDocument(items=deeds.items, next=deeds.next))


async def _invited(request: Request, user: User) -> Response:
    code = await in_thread(gate_of(request).invitations.add, by(request), user.id)
    link = f"{str(request.base_url).rstrip('/')}/welcome?code={code}"
    document = msgspec.structs.replace(_document(user), invitation=link)
    return json_response(document, 201, {"Location": f"/api/users/{user.id}", "Cache-Control": "no-store"})


def _document(user: User) -> UserDocument:
    return UserDocument(**msgspec.structs.asdict(user))
