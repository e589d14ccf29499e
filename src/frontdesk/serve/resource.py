"""One address and what each method does there; so a wrong method is told all the right ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from frontdesk.serve.who import Door, enter

Endpoint = Callable[[Request], Awaitable[Response]]


def resource(path: str, door: Door = Door.USERS, **endpoints: Endpoint) -> Route:
    """A route with an endpoint for each method. Nobody comes in who has not signed in, unless it says so."""

    async def dispatch(request: Request) -> Response:
        enter(request, door)
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatch, methods=list(endpoints))
