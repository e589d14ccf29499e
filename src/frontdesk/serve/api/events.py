"""GET /api/jobs/{id}/events and /api/events: server-sent events that resume where a client left off."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from frontdesk.serve.admission import while_admitted
from frontdesk.serve.api.reading import known_query, whole_number
from frontdesk.serve.live import hub_of, job_stream, owner_stream, reader_of
from frontdesk.serve.problems import Problem
from frontdesk.serve.runs import visible_job
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import owner_of

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_LARGEST_ID = 2**63 - 1


async def job_events(request: Request) -> Response:
    """GET /api/jobs/{id}/events: from the job's first event on, until the job is over."""
    after = _resume_after(request) or 0
    job = await visible_job(request)
    return _stream(request, job_stream(hub_of(request), reader_of(request), job, after))


async def all_events(request: Request) -> Response:
    """GET /api/events: of all own jobs, from now on."""
    owner, resumed = owner_of(request), _resume_after(request)
    after = await in_thread(services_of(request).desk.last_event, owner) if resumed is None else resumed
    return _stream(request, owner_stream(hub_of(request), reader_of(request), owner, after))


def _stream(request: Request, stream: AsyncIterator[bytes]) -> Response:
    if request.method == "HEAD":
        return Response(headers=_HEADERS, media_type="text/event-stream")
    stream = while_admitted(request, stream)
    return StreamingResponse(stream, headers=_HEADERS, media_type="text/event-stream")


def _resume_after(request: Request) -> int | None:
    """`Last-Event-ID` is what a browser sends when it reconnects; `after` is the same for the first time."""
    known_query(request, "after")
    last = request.headers.get("last-event-id")
    if last is None:
        return whole_number(request, "after", 0, 0, _LARGEST_ID) if "after" in request.query_params else None
    if not last.isascii() or not last.isdigit() or int(last[:20]) > _LARGEST_ID:
        raise Problem(400, "Last-Event-ID is not the id of an event.")
    return int(last)
