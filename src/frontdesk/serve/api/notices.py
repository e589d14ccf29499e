"""GET /api/notices, POST /api/notices/read, GET and PUT /api/notices/wishes: what one is told, and wants to be."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.desk.telling import Notice, Wishes
from frontdesk.serve.api.reading import json_response, known_query, paging
from frontdesk.serve.api.structs import read_struct
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import owner_of

_MOST_IDS = 500


class NoticesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Notices, the newest first."""

    items: list[Notice]
    next: str | None


class ReadNotices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which were read; null is all."""

    ids: list[str] | None = None


async def list_notices(request: Request) -> Response:
    """GET /api/notices?limit=&cursor="""
    known_query(request, "limit", "cursor")
    limit, cursor = paging(request)
    telling = services_of(request).telling
    found = await in_thread(telling.notices, owner_of(request), limit=limit + 1, before=cursor)
    return json_response(
        NoticesDocument(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)
    )


async def read_notices(request: Request) -> Response:
    """POST /api/notices/read"""
    ids = (await read_struct(request, ReadNotices)).ids
    wanted = None if ids is None else ids[:_MOST_IDS]
    await in_thread(services_of(request).telling.read, owner_of(request), wanted)
    return Response(status_code=204)


async def show_wishes(request: Request) -> Response:
    """GET /api/notices/wishes"""
    return json_response(await in_thread(services_of(request).telling.wishes, owner_of(request)))


async def choose_wishes(request: Request) -> Response:
    """PUT /api/notices/wishes"""
    wanted = await read_struct(request, Wishes)
    await in_thread(services_of(request).telling.choose, owner_of(request), wanted)
    return await show_wishes(request)
