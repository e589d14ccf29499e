"""The list of jobs, and the ticket of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job, JobState, Lane
from frontdesk.desk.listing import LONGEST_SEARCH, WINDOW
from frontdesk.desk.queue import Desk, JobFilters, JobSort
from frontdesk.errors import FrontdeskError, NotFound
from frontdesk.serve.again import Again
from frontdesk.serve.api.jobs import done_again
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.feedback import question_of_job
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of, changeable_job, listed_owner, owner_of, readable_job
from frontdesk.store.zips import zipped

_JOBS_ON_A_PAGE = 25
_FIELD_BYTES = 500
_TICKED = "job-"
_KEPT = ("search", "state", "kind", "task", "archived", "owner", "sort")
_SORTS = {
    JobSort.NEWEST: "Newest first",
    JobSort.OLDEST: "Oldest first",
    JobSort.ENDED: "Last to end first",
    JobSort.NAME: "By name",
    JobSort.LONGEST: "Longest first",
    JobSort.LARGEST: "Most rows first",
}
_AGAIN = "again"
_FILES = {"results": "result_file", "inputs": "input_file"}
_VERSIONS_OFFERED = 10

_VERBS: dict[str, Callable[[Desk, str, str | None], None]] = {
    "cancel": Desk.cancel,
    "retry": Desk.retry,
    "archive": Desk.archive,
    "unarchive": Desk.unarchive,
    "remove": Desk.remove,
}


async def show_jobs(request: Request) -> Response:
    """GET /jobs?search=&state=&kind=&task=&archived=&owner=&sort=&cursor="""
    services, query = services_of(request), request.query_params
    chosen = {name: query.get(name, "") for name in ("search", "state", "kind", "task", "owner", "sort")}
    is_archived = query.get("archived") == "true"
    filters = JobFilters(
        state=JobState(chosen["state"]) if chosen["state"] in set(JobState) else None,
        kind=Lane(chosen["kind"]) if chosen["kind"] in set(Lane) else None,
        task=chosen["task"] or None,
        archived=is_archived,
        search=chosen["search"].strip()[:LONGEST_SEARCH] or None,
    )
    sort = JobSort(chosen["sort"]) if chosen["sort"] in set(JobSort) else JobSort.NEWEST
    try:
        owner = await listed_owner(request)
    except NotFound as nobody:
        return page(request, "jobs.html", **_no_jobs(request, chosen, is_archived, str(nobody)))
    shows_owners = owner != caller_of(request).owner
    listed = await in_thread(_listed, services, owner, filters, sort, query.get("cursor"), shows_owners)
    return page(request, "jobs.html", **_no_jobs(request, chosen, is_archived) | listed)


def _no_jobs(
    request: Request, chosen: dict[str, str], is_archived: bool, refusal: str = ""
) -> dict[str, Any]:
    """What the page shows whatever is found."""
    query = request.query_params
    kept = urlencode({name: value for name, value in query.items() if name in _KEPT and value})
    return {
        "jobs": [], "next": None, "is_partial": False, "standings": {}, "sizes": {}, "names": {},
        "window": WINDOW, "chosen": chosen, "is_archived": is_archived, "kinds": list(Lane),
        "sorts": _SORTS, "tasks": services_of(request).tasks, "shows_owners": False, "address": f"/jobs?{kept}",
        "is_filtered": is_archived or any(value for name, value in chosen.items() if name != "sort"),
        "refused": [*filter(None, [refusal]), *dict.fromkeys(query.getlist("refused")[:_JOBS_ON_A_PAGE])],
    }  # fmt: skip


def _listed(
    services: Services,
    owner: str | None,
    filters: JobFilters,
    sort: JobSort,
    cursor: str | None,
    shows_owners: bool,
) -> dict[str, Any]:
    """The jobs of a page and what is told about them, with a query for each kind of thing and none for each job."""
    found = services.desk.list(owner, filters, limit=_JOBS_ON_A_PAGE, cursor=cursor, sort=sort)
    owners = {job.owner for job in found.items} if shows_owners and services.gate is not None else set()
    return {
        "jobs": found.items,
        "next": found.next,
        "is_partial": found.is_partial,
        "standings": services.desk.standings(job for job in found.items if job.state is JobState.QUEUED),
        "sizes": services.desk.input_sizes(found.items),
        "names": services.gate.users.emails(owners) if services.gate is not None else {},
        "shows_owners": shows_owners,
    }


async def change_jobs(request: Request) -> Response:
    """POST /jobs: the same for every job that is ticked (`job-ID`), as far as each allows it."""
    services = services_of(request)
    async with read_form(request, _FIELD_BYTES) as parts:
        verb = _VERBS.get(str(parts["verb"].value()) if "verb" in parts else "")
        ids = [name.removeprefix(_TICKED) for name in parts if name.startswith(_TICKED)]
        back = str(parts["back"].value()) if "back" in parts else ""
        chosen = str(parts["verb"].value()) if "verb" in parts else ""
        wanted = Again(model=(str(parts["model"].value()) if "model" in parts else "") or None)
    if chosen in _FILES:
        return await _files_of(request, ids[:_JOBS_ON_A_PAGE], chosen)
    if verb is None and chosen != _AGAIN:
        raise NotFound("There is nothing of that name to do with jobs.")
    refused: list[tuple[str, str]] = []
    for job_id in ids[:_JOBS_ON_A_PAGE]:
        try:
            if verb is None:
                await done_again(request, job_id, wanted)
            else:
                await in_thread(verb, services.desk, job_id, await changeable_job(request, job_id))
        except FrontdeskError as refusal:
            refused.append(("refused", str(refusal)))
        else:
            if verb is Desk.remove:
                await record(request, "job.removed", job_id)
    kept = [(name, value) for name, value in parse_qsl(back) if name in _KEPT]
    return RedirectResponse(f"/jobs?{urlencode(kept + refused)}", 303)


async def _files_of(request: Request, ids: list[str], what: str) -> Response:
    """The results, or the inputs, of several jobs as one zip; jobs that have none are left out."""
    services, which = services_of(request), _FILES[what]
    found = [await readable_job(request, job_id) for job_id in ids]
    stored = [
        file for job in found if (file := getattr(job, which)) and (job.state.is_final or what != "results")
    ]

    def members() -> Iterator[tuple[str, IO[bytes]]]:
        for number, file in enumerate(stored, start=1):
            yield f"{number:02} {services.files.get(file).name.replace('/', '_')}", services.files.open(file)

    headers = {"Content-Disposition": f'attachment; filename="{what}.zip"'}
    return StreamingResponse(zipped(members()), headers=headers, media_type="application/zip")


async def show_job(request: Request) -> Response:
    """GET /jobs/{id}: the ticket."""
    services = services_of(request)
    job = await readable_job(request, request.path_params["id"])
    if job.kind is Lane.TRAIN and job.task in services.tasks:
        return RedirectResponse(f"/tasks/{job.task}/runs/{job.id}", 303)
    is_own = job.owner == owner_of(request)
    return page(request, "ticket.html", **await in_thread(ticket_context, services, job, is_own=is_own))


async def change_job(request: Request) -> Response:
    """POST /jobs/{id}/{verb}: a button."""
    services, job_id = services_of(request), request.path_params["id"]
    if request.path_params["verb"] == _AGAIN:
        return await _do_again(request, job_id)
    verb = _VERBS.get(request.path_params["verb"])
    if verb is None:
        raise NotFound("There is nothing of that name to do with a job.")
    await in_thread(verb, services.desk, job_id, await changeable_job(request, job_id))
    if request.path_params["verb"] == "remove":
        await record(request, "job.removed", job_id)
    gone = request.path_params["verb"] in ("archive", "remove")
    return RedirectResponse("/jobs" if gone else f"/jobs/{job_id}", 303)


async def _do_again(request: Request, job_id: str) -> Response:
    """By whom is one field, so that one list offers every version of every model: `MODEL` or `MODEL/NUMBER`."""
    async with read_form(request, _FIELD_BYTES) as parts:
        model, _, number = (str(parts["by"].value()) if "by" in parts else "").partition("/")
    wanted = Again(
        model=model or None, version=int(number) if number.isdecimal() and len(number) < 10 else None
    )
    job = await done_again(request, job_id, wanted)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _answerers(services: Services, card: TaskCard) -> list[tuple[str, str]]:
    """Every model, and its newest versions where it has several, as a choice is sent and as it reads."""
    offered: list[tuple[str, str]] = []
    for model in card.models:
        offered.append((model.name, model.title))
        versions = services.versions.list(card.name, model.name) if model.trains else []
        newest = sorted((record.number for record in versions), reverse=True)[:_VERSIONS_OFFERED]
        offered += [(f"{model.name}/{number}", f"{model.title}, version {number}") for number in newest]
    return offered


def ticket_context(services: Services, job: Job, *, is_own: bool = True) -> dict[str, Any]:
    """What a ticket shows. Reads the job's place in line, so call it in the thread pool."""
    card = services.tasks.get(job.task)
    return {
        "job": job,
        "card": card,
        "answerers": _answerers(services, card) if card is not None and job.state.is_final else [],
        "standing": services.desk.standing(job) if job.state is JobState.QUEUED else None,
        "outputs": None if job.outputs is None else msgspec.json.decode(job.outputs),
        "question": question_of_job(services, job) if is_own else None,
    }
