"""The two cookies: of a session, and of a visitor who has not signed in.

Over TLS their names begin with `__Host-`, so that no neighbour (another port, a sub-domain) can set them.
Without it there is only loopback, where all ports share one jar: there the port is part of the name.
"""

from __future__ import annotations

import re

from starlette.types import Scope

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
VISITOR_LASTS_S = 30 * 24 * 3600


def is_secure(scope: Scope) -> bool:
    """Whether the request came over TLS, as far as this process or a proxy it trusts can tell."""
    return bool(scope["scheme"] == "https")


def session_name(scope: Scope) -> str:
    """The name of the session's cookie."""
    return "__Host-frontdesk" if is_secure(scope) else f"frontdesk-{_port(scope)}"


def visitor_name(scope: Scope) -> str:
    """The name of the visitor's cookie."""
    return f"{session_name(scope)}-visitor"


def secrets_in(scope: Scope, header: bytes) -> tuple[str, str]:
    """The secrets of session and visitor in a `Cookie` header; empty where there is none, or none of ours."""
    wanted = {session_name(scope): "", visitor_name(scope): ""}
    for pair in header.decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name in wanted and _SECRET(value):
            wanted[name] = value
    session, visitor = wanted.values()
    return session, visitor


def cookie(scope: Scope, name: str, secret: str, lasts_s: int) -> tuple[bytes, bytes]:
    """A header that sets a cookie; one that lasts 0 seconds is removed."""
    secure = "; Secure" if is_secure(scope) else ""
    text = f"{name}={secret}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}"
    return b"set-cookie", text.encode()


def _port(scope: Scope) -> int:
    server = scope.get("server")
    return int(server[1]) if server else 0
