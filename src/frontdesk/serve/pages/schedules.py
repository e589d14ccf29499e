"""What runs by the clock: the list, and a form for another one."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.rules import Action
from frontdesk.declare.columns import takes_rows
from frontdesk.desk.clock import explained, next_runs
from frontdesk.desk.schedules import Schedule, ScheduleKind, Schedules
from frontdesk.errors import Fault, FrontdeskError, InvalidInput, NotFound
from frontdesk.serve.api.schedules import PREVIEWED, NewSchedule, added, run_now, which
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.recording import record
from frontdesk.serve.scheduling import inbox_path
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of, listed_owner
from frontdesk.store.sheets.formats import SheetFormat

_FIELD_BYTES = 1000
_EXAMPLE = {"cron": "0 7 * * 1-5", "zone": "UTC"}


async def show_schedules(request: Request) -> Response:
    """GET /schedules?job=&owner=: with a job, the form offers to repeat it."""
    return await _shown(request, filled={"job": request.query_params.get("job", "")[:36]})


async def add_schedule(request: Request) -> Response:
    """POST /schedules: what to do is one field, `KIND TASK MODEL`; `check` only says when that would be."""
    async with read_form(request, _FIELD_BYTES) as parts:
        fields = {name: str(part.value()).strip() for name, part in parts.items()}
    kind, task, model = (*fields.get("what", "").split(" "), "", "", "")[:3]
    try:
        if "check" in fields:
            runs = next_runs(
                fields.get("cron", ""), fields.get("zone") or "UTC", datetime.now(UTC), PREVIEWED
            )
            return await _shown(request, filled=fields, preview=(explained(fields["cron"]), runs))
        if kind not in set(ScheduleKind):
            raise InvalidInput.of([Fault("/what", "Choose what to do.")])
        await added(
            request,
            NewSchedule(
                name=fields.get("name", ""), kind=ScheduleKind(kind), cron=fields.get("cron", ""),
                zone=fields.get("zone") or "UTC", task=task or None, model=model or None,
                job=fields.get("job") or None, folder=fields.get("folder") or None,
                format=SheetFormat(fields["format"]) if fields.get("format") in set(SheetFormat) else SheetFormat.XLSX,
            ),
        )  # fmt: skip
    except InvalidInput as refusal:
        faults = {fault.pointer.strip("/"): fault.detail for fault in refusal.faults}
        return await _shown(request, filled=fields, faults=faults)
    except NotFound:
        raise
    except FrontdeskError as refusal:
        return await _shown(request, filled=fields, faults={"what": str(refusal)})
    return RedirectResponse("/schedules", 303)


async def change_schedule(request: Request) -> Response:
    """POST /schedules/{id}/{verb}: a button."""
    verb = request.path_params["verb"]
    if verb == "run":
        await run_now(request)
    else:
        await in_thread(_do, services_of(request).schedules, verb, *which(request))
        await record(request, f"schedule.{verb}", request.path_params["id"])
    return RedirectResponse("/schedules", 303)


def _do(schedules: Schedules, verb: str, schedule_id: str, owner: str | None) -> None:
    match verb:
        case "pause" | "resume":
            schedules.change(schedule_id, owner, active=verb == "resume")
        case "remove":
            schedules.remove(schedule_id, owner)
        case _:
            raise NotFound("There is nothing of that name to do with a schedule.")


async def _shown(
    request: Request,
    *,
    filled: dict[str, str],
    faults: dict[str, str] | None = None,
    preview: tuple[str, list[datetime]] | None = None,
) -> Response:
    services, owner = services_of(request), await listed_owner(request)
    found = await in_thread(services.schedules.list, owner)
    return page(
        request, "schedules.html", 422 if faults else 200,
        schedules=[_row(services, schedule) for schedule in found],
        offers=await in_thread(_offers, request, filled.get("job", "")),
        filled=_EXAMPLE | {name: value for name, value in filled.items() if value}, faults=faults or {},
        preview=preview, formats=list(SheetFormat), has_inbox=services.inbox is not None,
    )  # fmt: skip


def _row(services: Services, schedule: Schedule) -> dict[str, Any]:
    card = services.tasks.get(schedule.work.task)
    folder = inbox_path(services, schedule.work.folder) if schedule.work.folder else None
    return {
        "schedule": schedule,
        "says": explained(schedule.cron),
        "task": card.title if card else schedule.work.task,
        "folder": folder,
    }


def _offers(request: Request, job_id: str) -> list[tuple[str, str]]:
    """What this caller can have done by the clock, as a choice is sent and as it reads."""
    services, caller = services_of(request), caller_of(request)
    offers: list[tuple[str, str]] = []
    if job_id:
        with contextlib.suppress(NotFound):
            job = services.desk.get(job_id, caller.owner)
            offers.append((f"{ScheduleKind.BATCH} {job.task} {job.model}", f"Process {job.title} again"))
    for card in services.tasks.values():
        if services.inbox is not None and takes_rows(card.signature) and caller.may(Action.BATCH, card.name):
            offers += [
                (
                    f"{ScheduleKind.INBOX} {card.name} {model.name}",
                    f"Process new files: {card.title}, {model.title}",
                )
                for model in card.models
            ]
        if caller.may(Action.TRAIN, card.name):
            offers += [
                (f"{ScheduleKind.TRAIN} {card.name} {model.name}", f"Train: {card.title}, {model.title}")
                for model in card.models
                if model.trains
            ]
    return offers
