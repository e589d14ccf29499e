"""One request and its response, as the middleware sees them: id, log line, counts, headers.

This runs for every request, so it is one object, one wrapped `send` and two appends.
"""

from __future__ import annotations

import re
from time import perf_counter, time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.serve.logs import AccessLog, AccessRecord, request_id
from frontdesk.serve.metrics import Metrics
from frontdesk.store.ids import new_id

_CONTENT_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    b"font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    b"frame-ancestors 'none'"
)
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", _CONTENT_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}").fullmatch


class Exchange:
    """What is known about one request while it is answered. `headers` holds the last of each name.

    `extra` are headers that its response gets, whatever it is.
    """

    __slots__ = ("extra", "headers", "id", "status")

    def __init__(self, headers: dict[bytes, bytes], exchange_id: str) -> None:
        self.headers, self.id, self.status = headers, exchange_id, 0
        self.extra: tuple[tuple[bytes, bytes], ...] = ()


def exchange_of(scope: Scope) -> Exchange:
    """The exchange this scope belongs to."""
    exchange: Exchange = scope["frontdesk.exchange"]
    return exchange


class Exchanges:
    """Outermost middleware: gives each request its id, writes its log line, counts it, adds the headers all share."""

    def __init__(self, app: ASGIApp, access_log: AccessLog | None, metrics: Metrics) -> None:
        self._app, self._log, self._metrics = app, access_log, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        exchange_id = given.decode() if given is not None and _ACCEPTABLE_ID(given) else new_id()
        exchange = scope["frontdesk.exchange"] = Exchange(headers, exchange_id)
        request_id.set(exchange_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [
                    *message["headers"], (b"x-request-id", exchange_id.encode()), *SECURITY_HEADERS, *exchange.extra,
                ]  # fmt: skip
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            seconds = perf_counter() - began
            route = scope.get("route")
            path = "unknown" if route is None else route.path
            self._metrics.request(scope["method"], path, exchange.status, seconds)
            if self._log is not None:
                record = AccessRecord(
                    time(),
                    scope["method"],
                    scope["path"],
                    exchange.status,
                    seconds,
                    exchange_id,
                    scope["client"],
                )
                self._log.append(record)
