"""What is refused before any route sees it: other hosts' names, other sites' forms, bodies too large."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.serve.exchange import exchange_of
from frontdesk.serve.problems import Problem

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_DRAIN_S = 5.0
_DRAIN_BYTES = 64 * 2**20
_UPLOADS = ("/batch", "/api/files")
_OWN_SITE = frozenset({b"same-origin", b"none"})


class Guard:
    """Pure ASGI middleware; raises Problem. Where whole files are uploaded another limit holds."""

    def __init__(
        self, app: ASGIApp, allowed_hosts: frozenset[str], body_limit_bytes: int, upload_limit_bytes: int
    ) -> None:
        self._app, self._body_limit, self._upload_limit = app, body_limit_bytes, upload_limit_bytes
        self._allowed_hosts = frozenset(host.encode() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = exchange_of(scope).headers
        self._refuse_other_hosts(headers.get(b"host", b""))
        if scope["method"] not in _SAFE_METHODS:
            _refuse_other_sites(scope, headers)
            # A body with a length cannot be longer than it says; one in chunks is counted as it comes.
            length = headers.get(b"content-length")
            limit = self._upload_limit if scope["path"].endswith(_UPLOADS) else self._body_limit
            if length is None:
                receive = _counted(receive, limit)
            elif not length.isdigit() or int(length) > limit:
                await _drain(receive)
                raise _too_large(limit)
        await self._app(scope, receive, send)

    def _refuse_other_hosts(self, host: bytes) -> None:
        """A page elsewhere whose name was pointed at this machine (DNS rebinding) sends its own name here."""
        name = host.rpartition(b":")[0] if b":" in host and not host.endswith(b"]") else host
        if name not in self._allowed_hosts:
            raise Problem(403, "This server does not go by the name in the Host header.")


def _too_large(limit: int) -> Problem:
    return Problem(413, f"The body is larger than {limit} bytes.", headers={"Connection": "close"})


def _counted(receive: Receive, limit: int) -> Receive:
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            if message.get("more_body", False):
                await _drain(receive)
            raise _too_large(limit)
        return message

    return counted


async def _drain(receive: Receive) -> None:
    """Take some more of a body that is too large: many clients look for an answer only once they have sent all."""
    left = _DRAIN_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            message = await receive()
            while message.get("more_body", False) and left > 0:
                left -= len(message.get("body", b""))
                message = await receive()


def _refuse_other_sites(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """Browsers say which page sent a request; programs say nothing and are not the ones to fear here."""
    origin = headers.get(b"origin")
    site = headers.get(b"sec-fetch-site")
    if origin is None and site is None:
        return
    own_origin = scope["scheme"].encode() + b"://" + headers.get(b"host", b"")
    if (site is not None and site not in _OWN_SITE) or (origin is not None and origin != own_origin):
        raise Problem(403, "A page of another site sent this request; only this server's own pages may.")
