"""Jobs: list, look, wait, cancel, retry, archive, remove, and their files."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.declare.codec import check_depth
from frontdesk.desk.job import Job, JobState, Lane
from frontdesk.desk.listing import LONGEST_SEARCH
from frontdesk.desk.queue import JobFilters, JobSort
from frontdesk.errors import Conflict, Fault, InvalidInput, NotFound, NotSignedIn
from frontdesk.serve.admission import still_admitted
from frontdesk.serve.again import ACTIONS, Again, submit_again, task_of
from frontdesk.serve.api.documents import JobDocument, JobsDocument, counted_job_document, job_document
from frontdesk.serve.api.files import stored_file_response
from frontdesk.serve.api.predict import ticket_response
from frontdesk.serve.api.reading import idempotency_key, json_response, known_query, paging, seconds
from frontdesk.serve.asking import asker_of
from frontdesk.serve.exchange import exchange_of
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import changeable_job, listed_owner, readable_job, require

_RETRY_AFTER_S = {JobState.QUEUED: "1", JobState.RUNNING: "1"}

E = TypeVar("E", bound=StrEnum)


async def list_jobs(request: Request) -> Response:
    """GET /api/jobs?state=&task=&kind=&archived=&search=&owner=&sort=&limit=&cursor="""
    known_query(request, "state", "task", "kind", "archived", "search", "owner", "sort", "limit", "cursor")
    limit, cursor = paging(request)
    filters = JobFilters(
        state=_choice(request, "state", JobState),
        task=request.query_params.get("task"),
        kind=_choice(request, "kind", Lane),
        archived=_truth(request, "archived"),
        search=_search(request),
    )
    sort = _choice(request, "sort", JobSort) or JobSort.NEWEST
    owner = await listed_owner(request)
    return json_response(await in_thread(_page, services_of(request), owner, filters, sort, limit, cursor))


async def show_job(request: Request) -> Response:
    """GET /api/jobs/{id}?wait=SECONDS; with `wait` it answers when the job is over, or then."""
    known_query(request, "wait")
    services = services_of(request)
    wait_s = seconds(request, "wait", services.limits.wait_s)
    job = await readable_job(request, request.path_params["id"])
    if wait_s and not job.state.is_final:
        job = await asker_of(request).wait_for(job, wait_s)
        if not await still_admitted(request):
            raise NotSignedIn(is_refused=True)
    retry_after = _RETRY_AFTER_S.get(job.state)
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return json_response(await in_thread(counted_job_document, services.desk, job), headers=headers)


async def again(request: Request) -> Response:
    """POST /api/jobs/{id}/again: the same input once more, for another model or version."""
    services = services_of(request)
    raw = await request.body() or b"{}"
    check_depth(raw, services.limits.json_depth)
    try:
        wanted = msgspec.json.decode(raw, type=Again)
    except msgspec.DecodeError as error:
        raise InvalidInput.of([Fault("", str(error))]) from None
    key = idempotency_key(exchange_of(request.scope).headers.get(b"idempotency-key"))
    return await ticket_response(
        request, await done_again(request, request.path_params["id"], wanted, key), {}
    )


async def done_again(request: Request, job_id: str, wanted: Again, key: str | None = None) -> Job:
    """The new job. Raises what anybody who asked for the first one anew would get."""
    services = services_of(request)
    await changeable_job(request, job_id)
    job = await readable_job(request, job_id)
    require(request, ACTIONS[job.kind], task_of(services, job).name)
    return await in_thread(submit_again, services, job, wanted, key)


async def cancel_job(request: Request) -> Response:
    """POST /api/jobs/{id}/cancel"""
    return await _changed(request, services_of(request).desk.cancel)


async def retry_job(request: Request) -> Response:
    """POST /api/jobs/{id}/retry"""
    return await _changed(request, services_of(request).desk.retry)


async def archive_job(request: Request) -> Response:
    """POST /api/jobs/{id}/archive"""
    return await _changed(request, services_of(request).desk.archive)


async def unarchive_job(request: Request) -> Response:
    """POST /api/jobs/{id}/unarchive"""
    return await _changed(request, services_of(request).desk.unarchive)


async def remove_job(request: Request) -> Response:
    """DELETE /api/jobs/{id}"""
    job_id = request.path_params["id"]
    await in_thread(services_of(request).desk.remove, job_id, await changeable_job(request, job_id))
    await record(request, "job.removed", job_id)
    return Response(status_code=204)


async def show_input(request: Request) -> Response:
    """GET /api/jobs/{id}/input: the file it was made from, or the inputs as JSON."""
    services = services_of(request)
    job = await readable_job(request, request.path_params["id"])
    if job.input_file is not None:
        return await stored_file_response(services, job.input_file, job.owner)
    return Response(job.payload, media_type="application/json")


async def show_result(request: Request) -> Response:
    """GET /api/jobs/{id}/result: the file that came of it, or the outputs as JSON."""
    services = services_of(request)
    job = await readable_job(request, request.path_params["id"])
    if job.result_file is not None and job.state.is_final:  # of one that failed: as far as it came
        return await stored_file_response(services, job.result_file, job.owner)
    if job.state is not JobState.SUCCEEDED:
        raise Conflict(f"The job is {job.state}; only one that succeeded has a result.")
    if job.outputs is None:
        raise NotFound("The result was removed.")
    return Response(job.outputs, media_type="application/json")


async def _changed(request: Request, change: Callable[[str, str | None], object]) -> Response:
    services, job_id = services_of(request), request.path_params["id"]

    def apply(owner: str | None) -> JobDocument:
        change(job_id, owner)
        return counted_job_document(services.desk, services.desk.get(job_id, owner))

    return json_response(await in_thread(apply, await changeable_job(request, job_id)))


def _choice(request: Request, name: str, kind: type[E]) -> E | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput.of([Fault(f"/{name}", f"This must be one of {', '.join(kind)}.")]) from None


def _truth(request: Request, name: str) -> bool | None:
    text = request.query_params.get(name)
    if text not in (None, "true", "false"):
        raise InvalidInput.of([Fault(f"/{name}", "This must be true or false.")])
    return None if text is None else text == "true"


def _search(request: Request) -> str | None:
    text = (request.query_params.get("search") or "").strip()
    if len(text) > LONGEST_SEARCH:
        raise InvalidInput.of([Fault("/search", f"At most {LONGEST_SEARCH} characters are searched for.")])
    return text or None


def _page(
    services: Services,
    owner: str | None,
    filters: JobFilters,
    sort: JobSort,
    limit: int,
    cursor: str | None,
) -> JobsDocument:
    page = services.desk.list(owner, filters, limit=limit, cursor=cursor, sort=sort)
    standings = services.desk.standings(job for job in page.items if job.state is JobState.QUEUED)
    return JobsDocument(
        items=[job_document(job, standings.get(job.id)) for job in page.items], next=page.next
    )
