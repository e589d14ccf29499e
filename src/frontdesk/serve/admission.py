"""Who sent this request: found out once, before any route, and remembered for two seconds.

What a request shows is a token or a cookie. Who that is takes a query; the answer is kept in memory for so short
a time that what was revoked is refused within five seconds everywhere, streams included (`still_admitted`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import monotonic

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from frontdesk.access.caller import LOCAL, VISITOR_PREFIX, Caller
from frontdesk.access.gate import Gate
from frontdesk.access.rules import Rules
from frontdesk.access.secrets import digest, new_secret
from frontdesk.errors import NotSignedIn, StoreUnavailable, TooManyRequests
from frontdesk.serve import csrf
from frontdesk.serve.cookies import VISITOR_LASTS_S, cookie, secrets_in, visitor_name
from frontdesk.serve.exchange import exchange_of
from frontdesk.serve.rates import Rates, Together
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import CALLER

KEPT_S = 2.0
ADMITTED = "frontdesk.admitted"
ADMISSION = "frontdesk.admission"
_KEPT_MOST = 10_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED_LIMIT = 60
_VISITORS_OF_AN_ADDRESS = 5


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody who was let in. `cookie` is the secret of theirs; `is_new` says that the browser has it not yet."""

    caller: Caller
    requests_limit: int
    until: float
    cookie: str = ""
    is_new: bool = False


class Admission:
    """Pure ASGI middleware. Without a gate everybody is the one local user."""

    def __init__(self, app: ASGIApp, gate: Gate | None, counts: Together | None = None) -> None:
        self._app, self._gate = app, gate
        self._known: dict[tuple[str, bytes], Admitted] = {}
        self._rules, self._rules_until = Rules(), 0.0
        self._rates = Rates(counts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        gate = self._gate
        if gate is None:
            scope[CALLER] = LOCAL
        elif not scope["path"].startswith("/static/"):
            headers = exchange_of(scope).headers
            scope[ADMISSION] = self
            admitted = scope[ADMITTED] = await self.admit(gate, scope, headers)
            scope[CALLER] = admitted.caller
            is_unsafe = scope["method"] not in _SAFE_METHODS
            if is_unsafe or scope["path"].startswith("/api/"):
                self._count(scope, admitted)
            if is_unsafe and admitted.cookie and not admitted.is_new:
                receive = await csrf.checked(headers, receive, admitted.cookie)
        await self._app(scope, receive, send)

    async def admit(self, gate: Gate, scope: Scope, headers: dict[bytes, bytes]) -> Admitted:
        """Whoever shows these headers. Raises NotSignedIn for a token that is not good."""
        authorization = headers.get(b"authorization", b"")
        is_token = authorization[:7].lower() == b"bearer "
        key = (scope["scheme"], authorization if is_token else headers.get(b"cookie", b""))
        known = self._known.get(key)
        if known is not None and known.until > monotonic():
            return known
        if is_token:
            admitted = await self._by_token(gate, scope, authorization[7:].strip().decode("latin-1"))
        else:
            admitted = await self._by_cookie(gate, scope, key[1])
        if not admitted.is_new:
            if len(self._known) > _KEPT_MOST:
                self._known.clear()
            self._known[key] = admitted
        return admitted

    def forget(self) -> None:
        """Know nobody any more: something changed, and who changed it shall see so at once."""
        self._known.clear()
        self._rules_until = 0.0

    async def _by_token(self, gate: Gate, scope: Scope, secret: str) -> Admitted:
        guesser = f"refused {_address(scope)}"
        if self._rates.is_over(guesser, _REFUSED_LIMIT):
            raise TooManyRequests("Too many tokens that are not good. Wait a minute.", 60)
        caller = await in_thread(gate.of_token, secret)
        if caller is None:
            self._rates.take(guesser, _REFUSED_LIMIT)
            raise NotSignedIn("This token is not good, or no longer.", is_refused=True)
        return Admitted(caller, gate.quotas.requests(caller), monotonic() + KEPT_S)

    async def _by_cookie(self, gate: Gate, scope: Scope, header: bytes) -> Admitted:
        session, visitor = secrets_in(scope, header)
        if session and (caller := await in_thread(gate.of_session, session)) is not None:
            return Admitted(caller, gate.quotas.requests(caller), monotonic() + KEPT_S, session)
        if self._rules_until <= monotonic():
            self._rules, self._rules_until = await in_thread(gate.rules), monotonic() + KEPT_S
        secret = visitor or new_secret()
        caller = Caller(owner=f"{VISITOR_PREFIX}{digest(secret)[:40]}", rules=self._rules)
        return Admitted(caller, gate.quotas.requests(caller), self._rules_until, secret, not visitor)

    def _count(self, scope: Scope, admitted: Admitted) -> None:
        limit = admitted.requests_limit
        if not limit:
            return
        caller = admitted.caller
        standing = self._rates.take(caller.owner, limit)
        exchange_of(scope).extra += standing.headers
        if caller.is_visitor and not standing.is_over:
            # A visitor who throws the cookie away each time is still at the same address, as others may be.
            standing = self._rates.take(_address(scope), limit * _VISITORS_OF_AN_ADDRESS)
        if standing.is_over:
            raise TooManyRequests(
                f"That was more than {standing.limit} requests in a minute.", standing.reset_s
            )


def csrf_of(request: HTTPConnection) -> str:
    """A code for a page that this request gets. A visitor's browser is told its cookie on this occasion."""
    admitted: Admitted | None = request.scope.get(ADMITTED)
    if admitted is None:
        return ""
    keep_visitor(request)
    return csrf.new_code(admitted.cookie) if admitted.cookie else ""


def keep_visitor(request: HTTPConnection) -> None:
    """Have a visitor's browser remember who it is: it got something that only it may change."""
    scope = request.scope
    admitted: Admitted | None = scope.get(ADMITTED)
    exchange = exchange_of(scope)
    if admitted is not None and admitted.is_new and "visitor" not in request.scope:
        scope["visitor"] = True
        exchange.extra += (cookie(scope, visitor_name(scope), admitted.cookie, VISITOR_LASTS_S),)


def visitor_secret(request: HTTPConnection) -> tuple[str, bool]:
    """The secret of the cookie this browser shows, and whether it is told of it only now."""
    admitted: Admitted = request.scope[ADMITTED]
    return admitted.cookie, admitted.is_new


def forget_callers(request: HTTPConnection) -> None:
    """Let what was changed about somebody hold at once in this process."""
    admission: Admission | None = request.scope.get(ADMISSION)
    if admission is not None:
        admission.forget()


async def still_admitted(request: HTTPConnection) -> bool:
    """Whether whoever sent this request would still be let in as the same."""
    admission: Admission | None = request.scope.get(ADMISSION)
    if admission is None or admission._gate is None:
        return True
    before: Admitted = request.scope[ADMITTED]
    if before.caller.is_visitor:
        return True
    try:
        now = await admission.admit(admission._gate, request.scope, exchange_of(request.scope).headers)
    except NotSignedIn:
        return False
    return now.caller.owner == before.caller.owner


async def while_admitted(request: HTTPConnection, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream, for as long as whoever asked for it is let in; it ends within five seconds of that."""
    chunk: asyncio.Future[bytes] | None = None
    try:
        while True:
            if chunk is None:
                chunk = asyncio.ensure_future(anext(stream))
            await asyncio.wait({chunk}, timeout=KEPT_S)
            # While the database is away nobody can be turned out, and there is no news to be had either.
            with contextlib.suppress(StoreUnavailable):
                if not await still_admitted(request):
                    return
            if chunk.done():
                arrived, chunk = chunk, None
                try:
                    yield arrived.result()
                except StopAsyncIteration:
                    return
    finally:
        if chunk is not None:
            chunk.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await chunk


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def address_of(request: HTTPConnection) -> str:
    """The network address a request came from, as far as this process or a proxy it trusts can tell."""
    return _address(request.scope)
