"""Who asks. Until there is sign-in, everybody who can reach the server is its one user."""

from __future__ import annotations

from starlette.requests import HTTPConnection

LOCAL_OWNER = "local"


def owner_of(request: HTTPConnection) -> str:
    """The owner whose jobs and files this request may see."""
    return LOCAL_OWNER
