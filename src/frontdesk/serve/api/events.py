"""GET /api/jobs/{id}/events and /api/events: server-sent events that resume where a client left off."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from frontdesk.errors import NotFound
from frontdesk.serve.api.reading import known_query, whole_number
from frontdesk.serve.live import event_stream, hub_of
from frontdesk.serve.problems import Problem
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import owner_of

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_LARGEST_ID = 2**63 - 1


async def job_events(request: Request) -> Response:
    """GET /api/jobs/{id}/events: from the job's first event on, until the job is over."""
    services, owner = services_of(request), owner_of(request)
    job_id = request.path_params["id"]
    await in_thread(services.desk.get, job_id, owner)
    after = _resume_after(request)

    def is_over() -> bool:
        try:
            return services.desk.get(job_id, owner).state.is_final
        except NotFound:  # removed while we looked on
            return True

    return _stream(request, job_id, 0 if after is None else after, is_over)


async def all_events(request: Request) -> Response:
    """GET /api/events: of all own jobs, from now on."""
    services, owner = services_of(request), owner_of(request)
    resumed = _resume_after(request)
    after = await in_thread(services.desk.last_event, owner) if resumed is None else resumed
    return _stream(request, None, after, lambda: False)


def _stream(request: Request, job_id: str | None, after: int, is_over: Callable[[], bool]) -> Response:
    if request.method == "HEAD":
        return Response(headers=_HEADERS, media_type="text/event-stream")
    stream = event_stream(
        hub_of(request), services_of(request).desk, owner_of(request), job_id, after, is_over
    )
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
