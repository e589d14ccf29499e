"""The clock's addresses of old, as plain text."""

from __future__ import annotations

import frontdesk as fd

routes = fd.Routes()


@routes.route("GET", "/time")
async def utc(request: fd.RouteRequest) -> str:
    """The time in UTC."""
    return str((await request.ask("clock", {"zone": "UTC"}))["answer"])


@routes.route("GET", "/time/{zone:path}")
async def local(request: fd.RouteRequest) -> str:
    """The time in a zone such as Asia/Tokyo or America/Argentina/Ushuaia."""
    return str((await request.ask("clock", {"zone": request.path["zone"]}))["answer"])
