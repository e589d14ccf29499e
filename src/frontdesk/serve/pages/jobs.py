"""The list of jobs, and the ticket of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.desk.job import Job, JobState, Lane
from frontdesk.desk.queue import Desk, JobFilters
from frontdesk.errors import FrontdeskError, NotFound
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import changeable_job, listed_owner, readable_job

_JOBS_ON_A_PAGE = 25
_FIELD_BYTES = 500
_TICKED = "job-"
_KEPT = ("state", "kind", "task", "archived", "owner")

_VERBS: dict[str, Callable[[Desk, str, str | None], None]] = {
    "cancel": Desk.cancel,
    "retry": Desk.retry,
    "archive": Desk.archive,
    "unarchive": Desk.unarchive,
    "remove": Desk.remove,
}


async def show_jobs(request: Request) -> Response:
    """GET /jobs?state=&kind=&task=&archived=&owner=&cursor="""
    services, owner = services_of(request), listed_owner(request)
    chosen = {name: request.query_params.get(name, "") for name in ("state", "kind", "task", "owner")}
    is_archived = request.query_params.get("archived") == "true"
    filters = JobFilters(
        state=JobState(chosen["state"]) if chosen["state"] in set(JobState) else None,
        kind=Lane(chosen["kind"]) if chosen["kind"] in set(Lane) else None,
        task=chosen["task"] or None,
        archived=is_archived,
    )
    cursor = request.query_params.get("cursor")
    found = await in_thread(services.desk.list, owner, filters, limit=_JOBS_ON_A_PAGE, cursor=cursor)
    waiting = [job for job in found.items if job.state is JobState.QUEUED]
    return page(
        request, "jobs.html", jobs=found.items, next=found.next, chosen=chosen, is_archived=is_archived,
        standings=await in_thread(services.desk.standings, waiting), tasks=services.tasks, kinds=list(Lane),
        shows_owners=owner is None, refused=request.query_params.getlist("refused")[:_JOBS_ON_A_PAGE],
        address=f"/jobs?{urlencode({name: value for name, value in request.query_params.items() if name in _KEPT})}",
    )  # fmt: skip


async def change_jobs(request: Request) -> Response:
    """POST /jobs: the same for every job that is ticked (`job-ID`), as far as each allows it."""
    services = services_of(request)
    async with read_form(request, _FIELD_BYTES) as parts:
        verb = _VERBS.get(str(parts["verb"].value()) if "verb" in parts else "")
        ids = [name.removeprefix(_TICKED) for name in parts if name.startswith(_TICKED)]
        back = str(parts["back"].value()) if "back" in parts else ""
    if verb is None:
        raise NotFound("There is nothing of that name to do with jobs.")
    refused: list[tuple[str, str]] = []
    for job_id in ids[:_JOBS_ON_A_PAGE]:
        try:
            await in_thread(verb, services.desk, job_id, await changeable_job(request, job_id))
        except FrontdeskError as refusal:
            refused.append(("refused", str(refusal)))
        else:
            if verb is Desk.remove:
                await record(request, "job.removed", job_id)
    kept = [(name, value) for name, value in parse_qsl(back) if name in _KEPT]
    return RedirectResponse(f"/jobs?{urlencode(kept + refused)}", 303)


async def show_job(request: Request) -> Response:
    """GET /jobs/{id}: the ticket."""
    services = services_of(request)
    job = await readable_job(request, request.path_params["id"])
    if job.kind is Lane.TRAIN and job.task in services.tasks:
        return RedirectResponse(f"/tasks/{job.task}/runs/{job.id}", 303)
    return page(request, "ticket.html", **await in_thread(ticket_context, services, job))


async def change_job(request: Request) -> Response:
    """POST /jobs/{id}/{verb}: a button."""
    services, job_id = services_of(request), request.path_params["id"]
    verb = _VERBS.get(request.path_params["verb"])
    if verb is None:
        raise NotFound("There is nothing of that name to do with a job.")
    await in_thread(verb, services.desk, job_id, await changeable_job(request, job_id))
    if request.path_params["verb"] == "remove":
        await record(request, "job.removed", job_id)
    gone = request.path_params["verb"] in ("archive", "remove")
    return RedirectResponse("/jobs" if gone else f"/jobs/{job_id}", 303)


def ticket_context(services: Services, job: Job) -> dict[str, Any]:
    """What a ticket shows. Reads the job's place in line, so call it in the thread pool."""
    return {
        "job": job,
        "card": services.tasks.get(job.task),
        "standing": services.desk.standing(job) if job.state is JobState.QUEUED else None,
        "outputs": None if job.outputs is None else msgspec.json.decode(job.outputs),
    }
