"""One's own account: name, password, tokens, and what is used of the quotas."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.caller import Caller, User
from frontdesk.access.rules import Action
from frontdesk.errors import Forbidden, InvalidInput
from frontdesk.serve.admission import forget_callers
from frontdesk.serve.api.tokens import add_token, allowed_scopes, token_days, token_tasks
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.pages.signin import texts
from frontdesk.serve.services import services_of
from frontdesk.serve.signing import by, gate_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of

_NEW_TOKEN = {"days": "90", "scope-ask": "yes"}


async def show_account(request: Request) -> Response:
    """GET /account"""
    return await _account(request)


async def change_name(request: Request) -> Response:
    """POST /account/name"""
    fields = await texts(request, "name")
    await in_thread(gate_of(request).users.change, by(request), _user(request).id, name=fields["name"])
    forget_callers(request)
    return RedirectResponse("/account", 303)


async def change_password(request: Request) -> Response:
    """POST /account/password"""
    fields, caller = await texts(request, "old", "new"), caller_of(request)
    gate, user = gate_of(request), _user(request)
    if caller.session is None:
        raise Forbidden("A password is changed by whoever has signed in with it, not with a token.")
    await in_thread(gate.throttle.begin, user.email, "")
    try:
        await in_thread(
            gate.sessions.change_password, by(request), user.id, fields["old"], fields["new"], caller.session
        )
    except InvalidInput as refusal:
        faults = {fault.pointer.strip("/"): fault.detail for fault in refusal.faults}
        return await _account(request, faults=faults)
    await in_thread(gate.throttle.succeeded, user.email, "")
    forget_callers(request)
    return await _account(request, said="Your password is changed. Other browsers were signed out.")


async def make_token(request: Request) -> Response:
    """POST /account/tokens: the token is shown in the answer, and never again."""
    names = {"name": 400, "days": 10, "tasks": 4000} | {f"scope-{scope}": 10 for scope in Action}
    async with read_form(request, names) as parts:
        fields = {name: str(part.value()) for name, part in parts.items()}
    scopes = frozenset(scope for scope in Action if f"scope-{scope}" in fields)
    try:
        tasks, days = (
            token_tasks(request, _words(fields.get("tasks", ""))),
            token_days(fields.get("days", "")),
        )
        _, secret = await add_token(request, fields.get("name", ""), scopes, tasks, days)
    except InvalidInput as refusal:
        faults = {fault.pointer.strip("/"): fault.detail for fault in refusal.faults}
        return await _account(request, faults=faults, filled=fields)
    return await _account(request, secret=secret)


async def revoke_token(request: Request) -> Response:
    """POST /account/tokens/{id}/revoke"""
    await in_thread(gate_of(request).tokens.revoke, by(request), request.path_params["id"], _user(request).id)
    forget_callers(request)
    return RedirectResponse("/account", 303)


async def _account(
    request: Request,
    *,
    faults: dict[str, str] | None = None,
    filled: dict[str, str] = _NEW_TOKEN,
    secret: str = "",
    said: str = "",
) -> Response:
    gate, caller, user = gate_of(request), caller_of(request), _user(request)
    return page(
        request, "account.html", 422 if faults else 200,
        user=user,
        tokens=await in_thread(gate.tokens.list, user.id),
        usage=await in_thread(gate.quotas.usage, caller),
        requests_limit=gate.quotas.requests(caller),
        scopes=allowed_scopes(caller),
        task_names=_visible(request, caller),
        faults=faults or {}, filled=filled, secret=secret, said=said,
    )  # fmt: skip


def _visible(request: Request, caller: Caller) -> list[str]:
    return [name for name in services_of(request).tasks if caller.may(Action.ASK, name)]


def _user(request: Request) -> User:
    user = caller_of(request).user
    if user is None:
        gate_of(request)  # says so where there is no sign-in at all
        raise Forbidden("Only somebody who has signed in has an account.")
    return user


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
