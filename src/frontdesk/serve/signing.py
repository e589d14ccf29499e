"""Setting and removing the cookie of a session."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.audit import By
from frontdesk.access.gate import Gate
from frontdesk.errors import Forbidden, NotFound
from frontdesk.serve.admission import address_of, forget_callers
from frontdesk.serve.cookies import cookie, is_secure, session_name
from frontdesk.serve.services import LOOPBACK_HOSTS, services_of
from frontdesk.serve.who import caller_of

_SAFE = frozenset({"GET", "HEAD"})


def gate_of(request: Request) -> Gate:
    """The gate of the app that got this request. Without one there is nothing to sign in to."""
    gate = services_of(request).gate
    if gate is None:
        raise NotFound("This server was started without sign-in: whoever can connect is its one user.")
    return gate


def by(request: Request) -> By:
    """Whoever sent this request, as the record names them."""
    caller = caller_of(request)
    return By(caller.owner if caller.user is None else caller.user.email, address_of(request))


def signed_in(request: Request, secret: str, target: str) -> Response:
    """On to `target`, with the cookie of a session."""
    lasts_s = int(gate_of(request).sessions.limits.absolute.total_seconds())
    return _with_cookie(request, RedirectResponse(target, 303), secret, lasts_s)


def signed_out(request: Request) -> Response:
    """On to the sign-in page, without the cookie."""
    return _with_cookie(request, RedirectResponse("/signin", 303), "", 0)


def to_sign_in(request: Request) -> Response:
    """On to the sign-in page, and from there back to what was asked for."""
    came_for = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = f"?next={quote(came_for, safe='/')}" if request.method in _SAFE and came_for != "/" else ""
    return RedirectResponse(f"/signin{target}", 303)


def own_address(text: str) -> str:
    """An address to go on to, if it is one of this server's pages; the front page otherwise."""
    parts = urlsplit(text)
    is_own = not parts.scheme and not parts.netloc and text.startswith("/") and text[1:2] not in ("/", "\\")
    return text if is_own and text.isprintable() else "/"


def refuse_eavesdroppers(request: Request) -> None:
    """No password over a line that others can listen to."""
    if not is_secure(request.scope) and f"{request.url.hostname}" not in _LOOPBACK:
        raise Forbidden(
            "Signing in takes https (or a browser on the server's own machine): over plain http "
            "others could read the password."
        )


_LOOPBACK = frozenset(name.strip("[]") for name in LOOPBACK_HOSTS)


def _with_cookie(request: Request, response: Response, secret: str, lasts_s: int) -> Response:
    response.raw_headers.append(cookie(request.scope, session_name(request.scope), secret, lasts_s))
    response.headers["Cache-Control"] = "no-store"
    forget_callers(request)
    return response
