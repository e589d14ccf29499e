"""/api/schedules: what runs by the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.desk.batch import BatchPayload
from frontdesk.desk.clock import explained, next_runs
from frontdesk.desk.job import Lane
from frontdesk.desk.schedules import Schedule, ScheduleKind, Work
from frontdesk.errors import Conflict, Fault, InvalidInput
from frontdesk.serve.api.reading import json_response, known_query
from frontdesk.serve.api.structs import read_struct
from frontdesk.serve.asking import asker_of
from frontdesk.serve.batching import check_task
from frontdesk.serve.recording import record
from frontdesk.serve.scheduling import check_work, scheduler_of
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.tickets import check_version
from frontdesk.serve.training import checked_parameters, trainable
from frontdesk.serve.who import caller_of, listed_owner, readable_job
from frontdesk.store.sheets.formats import SheetFormat

PREVIEWED = 3


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do when. An `inbox` has a folder, a `train` parameters, a `batch` the job whose file it repeats."""

    name: str
    kind: ScheduleKind
    cron: str
    zone: str = "UTC"
    task: str | None = None
    model: str | None = None
    version: int | None = None
    job: str | None = None
    folder: str | None = None
    format: SheetFormat = SheetFormat.XLSX
    strict: bool = False
    parameters: dict[str, Any] = {}
    data: str | None = None


class ScheduleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall be different; null leaves it as it is."""

    name: str | None = None
    cron: str | None = None
    zone: str | None = None
    active: bool | None = None


class ScheduleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule. `says` is its cron line in words; `next_at` is null while it is paused."""

    id: str
    owner: str
    name: str
    kind: ScheduleKind
    work: Work
    cron: str
    zone: str
    says: str
    active: bool
    next_at: datetime | None
    last_at: datetime | None
    last_jobs: list[str]
    last_error: str | None


class SchedulesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All of one's schedules."""

    items: list[ScheduleDocument]
    next: None = None


class RunDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a run made, and why it made no more."""

    jobs: list[str]
    error: str | None


class PreviewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A cron line in words, and when it comes next."""

    says: str
    next: list[datetime]


async def list_schedules(request: Request) -> Response:
    """GET /api/schedules?owner="""
    known_query(request, "owner")
    owner = await listed_owner(request)
    found = await in_thread(services_of(request).schedules.list, owner)
    return json_response(SchedulesDocument(items=[document(schedule) for schedule in found]))


async def preview(request: Request) -> Response:
    """GET /api/schedules/preview?cron=&zone="""
    known_query(request, "cron", "zone")
    cron = request.query_params.get("cron", "").strip()
    zone = request.query_params.get("zone", "").strip() or "UTC"
    runs = next_runs(cron, zone, datetime.now(UTC), PREVIEWED)
    return json_response(PreviewDocument(says=explained(cron), next=runs))


async def add_schedule(request: Request) -> Response:
    """POST /api/schedules"""
    schedule = await added(request, await read_struct(request, NewSchedule))
    return json_response(document(schedule), 201, {"Location": f"/api/schedules/{schedule.id}"})


async def added(request: Request, new: NewSchedule) -> Schedule:
    """The new schedule. Raises what doing it at once would raise."""
    work = await _work(request, new)
    schedules, owner = services_of(request).schedules, caller_of(request).owner
    schedule = await in_thread(schedules.add, owner, new.name, new.kind, work, new.cron, new.zone or "UTC")
    await record(request, "schedule.added", schedule.id, kind=new.kind, task=work.task)
    return schedule


async def show_schedule(request: Request) -> Response:
    """GET /api/schedules/{id}"""
    return json_response(document(await in_thread(services_of(request).schedules.get, *which(request))))


async def change_schedule(request: Request) -> Response:
    """PATCH /api/schedules/{id}"""
    wanted = msgspec.structs.asdict(await read_struct(request, ScheduleChange))
    schedule = await in_thread(services_of(request).schedules.change, *which(request), **wanted)
    await record(request, "schedule.changed", schedule.id, active=schedule.active)
    return json_response(document(schedule))


async def remove_schedule(request: Request) -> Response:
    """DELETE /api/schedules/{id}"""
    await in_thread(services_of(request).schedules.remove, *which(request))
    await record(request, "schedule.removed", request.path_params["id"])
    return Response(status_code=204)


async def run_schedule(request: Request) -> Response:
    """POST /api/schedules/{id}/run: now, whenever it is due."""
    jobs = await run_now(request)
    schedule = await in_thread(services_of(request).schedules.get, *which(request))
    return json_response(RunDocument(jobs=jobs, error=schedule.last_error), 202)


async def run_now(request: Request) -> list[str]:
    """Run it, paused or not; give its jobs. Pressed twice in a minute it is run once."""
    schedule = await in_thread(services_of(request).schedules.get, *which(request))
    minute = datetime.now(UTC).replace(second=1, microsecond=0)  # a second at which no cron line is due
    return await in_thread(scheduler_of(request).run, schedule, minute)


def which(request: Request) -> tuple[str, str | None]:
    """The schedule of an address, and whose it must be: an administrator's may be anybody's."""
    caller = caller_of(request)
    return request.path_params["id"], None if caller.is_admin else caller.owner


def document(schedule: Schedule) -> ScheduleDocument:
    """A schedule as the API shows it."""
    own = {name: getattr(schedule, name) for name in ScheduleDocument.__struct_fields__ if name != "says"}
    return ScheduleDocument(says=explained(schedule.cron), **own)


async def _work(request: Request, new: NewSchedule) -> Work:
    services, caller = services_of(request), caller_of(request)
    if new.kind is ScheduleKind.BATCH:
        return await _repeated(request, new)
    if new.task is None:
        raise InvalidInput.of([Fault("/task", "It takes a task.")])
    card = asker_of(request).task(new.task)
    check_work(services, new.kind, caller, card)
    if new.kind is ScheduleKind.INBOX:
        check_task(card)
        model = asker_of(request).model(card, new.model)
        await in_thread(check_version, services, card.name, model, new.version)
        return Work(
            task=card.name, model=model.name, version=new.version, format=new.format, strict=new.strict,
            folder=new.folder or "",
        )  # fmt: skip
    model = trainable(card, new.model)
    parameters = checked_parameters(model, msgspec.json.encode(new.parameters))
    if new.data is not None and (await in_thread(services.files.get, new.data)).owner != caller.owner:
        raise InvalidInput.of([Fault("/data", "There is no such file.")])
    return Work(task=card.name, model=model.name, parameters=parameters, file=new.data)


async def _repeated(request: Request, new: NewSchedule) -> Work:
    """The same file again: that of a batch job of the caller's."""
    if new.job is None:
        raise InvalidInput.of([Fault("/job", "It takes the id of the batch job that is to be repeated.")])
    job = await readable_job(request, new.job)
    if job.kind is not Lane.BATCH or job.input_file is None or job.owner != caller_of(request).owner:
        raise Conflict("Only a file of one's own can be processed again and again.")
    card = asker_of(request).task(job.task)
    check_work(services_of(request), new.kind, caller_of(request), card)
    before = msgspec.json.decode(job.payload, type=BatchPayload)
    model = asker_of(request).model(card, new.model or job.model)
    return Work(
        task=job.task, model=model.name, version=new.version, format=before.format, strict=before.strict,
        file=job.input_file, title=job.title,
    )  # fmt: skip
