"""Jobs: list, look, wait, cancel, retry, archive, remove, and their files."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from frontdesk.desk.job import JobState, Lane
from frontdesk.desk.queue import JobFilters
from frontdesk.errors import Conflict, Fault, InvalidInput, NotFound, NotSignedIn
from frontdesk.serve.admission import still_admitted
from frontdesk.serve.api.documents import JobDocument, JobsDocument, counted_job_document, job_document
from frontdesk.serve.api.files import stored_file_response
from frontdesk.serve.api.reading import json_response, known_query, paging, seconds
from frontdesk.serve.asking import asker_of
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import changeable_job, listed_owner, readable_job

_RETRY_AFTER_S = {JobState.QUEUED: "1", JobState.RUNNING: "1"}

E = TypeVar("E", bound=StrEnum)


async def list_jobs(request: Request) -> Response:
    """GET /api/jobs?state=&task=&kind=&archived=&owner=&limit=&cursor="""
    known_query(request, "state", "task", "kind", "archived", "owner", "limit", "cursor")
    limit, cursor = paging(request)
    filters = JobFilters(
        state=_choice(request, "state", JobState),
        task=request.query_params.get("task"),
        kind=_choice(request, "kind", Lane),
        archived=_truth(request, "archived"),
    )
    return json_response(
        await in_thread(_page, services_of(request), listed_owner(request), filters, limit, cursor)
    )


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


def _page(
    services: Services, owner: str | None, filters: JobFilters, limit: int, cursor: str | None
) -> JobsDocument:
    page = services.desk.list(owner, filters, limit=limit, cursor=cursor)
    standings = services.desk.standings(job for job in page.items if job.state is JobState.QUEUED)
    return JobsDocument(
        items=[job_document(job, standings.get(job.id)) for job in page.items], next=page.next
    )
