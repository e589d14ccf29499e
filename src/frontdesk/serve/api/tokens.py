"""GET, POST /api/tokens and DELETE /api/tokens/{id}: one's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.access.caller import Caller, User
from frontdesk.access.rules import USUAL, Action
from frontdesk.access.tokens import Token
from frontdesk.errors import Fault, Forbidden, InvalidInput
from frontdesk.serve.admission import forget_callers
from frontdesk.serve.api.reading import json_response, known_query
from frontdesk.serve.api.structs import read_struct
from frontdesk.serve.services import services_of
from frontdesk.serve.signing import by, gate_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of


class TokenDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A token. `token` is there once, in the answer that made it; `tasks` null means all."""

    id: str
    name: str
    scopes: list[Action]
    tasks: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    token: str | None = None


class TokensDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All tokens of a user, the newest first."""

    items: list[TokenDocument]
    next: None = None


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a token shall be for. It lasts `days` days, for ever if that is left out."""

    name: str
    scopes: list[Action] = msgspec.field(default_factory=lambda: [Action.ASK])
    tasks: list[str] | None = None
    days: float | None = None


async def list_tokens(request: Request) -> Response:
    """GET /api/tokens"""
    known_query(request)
    user = _manager(request)
    found = await in_thread(gate_of(request).tokens.list, user.id)
    return json_response(TokensDocument(items=[_document(token) for token in found]))


async def make_token(request: Request) -> Response:
    """POST /api/tokens"""
    new = await read_struct(request, NewToken)
    tasks = token_tasks(request, new.tasks or [])
    token, secret = await add_token(request, new.name, frozenset(new.scopes), tasks, new.days)
    document = msgspec.structs.replace(_document(token), token=secret)
    return json_response(document, 201, {"Location": f"/api/tokens/{token.id}", "Cache-Control": "no-store"})


async def revoke_token(request: Request) -> Response:
    """DELETE /api/tokens/{id}"""
    user = _manager(request)
    await in_thread(gate_of(request).tokens.revoke, by(request), request.path_params["id"], user.id)
    forget_callers(request)
    return Response(status_code=204)


async def add_token(
    request: Request, name: str, scopes: frozenset[Action], tasks: frozenset[str] | None, days: float | None
) -> tuple[Token, str]:
    """A token for the caller, that can do no more than what they came with."""
    caller, user = caller_of(request), _manager(request)
    if too_much := scopes - set(allowed_scopes(caller)):
        raise InvalidInput.of(
            [Fault("/scopes", f"Your role is {user.role}, so you cannot give {', '.join(sorted(too_much))}.")]
        )
    if caller.tasks is not None and (tasks is None or tasks - caller.tasks):
        raise InvalidInput.of(
            [Fault("/tasks", "A token cannot make one that is for more tasks than itself.")]
        )
    return await in_thread(gate_of(request).tokens.add, by(request), user.id, name, scopes, tasks, days)


def allowed_scopes(caller: Caller) -> list[Action]:
    """What this caller can give to a token."""
    role = caller.role
    return [
        a
        for a in Action
        if a in caller.scopes and role is not None and (role.reaches(USUAL[a]) or a in _BY_RULE)
    ]


_BY_RULE = (Action.BATCH, Action.TRAIN)
"""A task's rules may allow these to lesser roles than the usual ones; they are looked at on each use anyhow."""


def token_tasks(request: Request, names: Sequence[str]) -> frozenset[str] | None:
    """The tasks of a token; None, which is all, when none is named."""
    unknown = [name for name in names if name not in services_of(request).tasks]
    if unknown:
        raise InvalidInput.of([Fault("/tasks", f"There is no task {unknown[0]}.")])
    return frozenset(names) or None


def token_days(text: str) -> float | None:
    """How many days, as a form has it."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidInput.of([Fault("/days", "This must be a number of days.")]) from None


def _manager(request: Request) -> User:
    """The user whose tokens the caller may see and make: a token can only if it may administer."""
    caller = caller_of(request)
    if caller.user is None:
        gate_of(request)
        raise Forbidden("Only a user has tokens.")
    if caller.token is not None and Action.ADMIN not in caller.scopes:
        raise Forbidden("This token may not look after tokens: it does not have the scope admin.")
    return caller.user


def _document(token: Token) -> TokenDocument:
    return TokenDocument(
        id=token.id, name=token.name, scopes=list(token.scopes),
        tasks=None if token.tasks is None else list(token.tasks),
        created_at=token.created_at, expires_at=token.expires_at, used_at=token.used_at,
    )  # fmt: skip
