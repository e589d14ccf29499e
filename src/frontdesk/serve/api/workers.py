"""Workers, for administrators: who does jobs, what each does now, and having one drain."""

from __future__ import annotations

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.access.rules import Action
from frontdesk.desk.job import Lane, Queue
from frontdesk.desk.workers import Held, Wish, WorkerRecord, WorkerState
from frontdesk.errors import Conflict, NotFound
from frontdesk.serve.api.reading import json_response, known_query
from frontdesk.serve.recording import record
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require

WISHES = {"drain": Wish.PAUSE, "resume": Wish.WORK, "leave": Wish.LEAVE}


class WorkerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A worker. `lanes`: how many jobs at once; `tasks` null: all; `wish`: what it does as soon as it hears of it."""

    name: str
    machine: str
    frontdesk_version: str
    lanes: dict[Lane, int]
    tasks: list[str] | None
    state: WorkerState
    wish: Wish
    started_at: datetime
    seen_at: datetime
    jobs: list[Held]


class WorkersDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All workers, the oldest first, and what waits for them."""

    items: list[WorkerDocument]
    queues: list[Queue]
    next: None = None


async def list_workers(request: Request) -> Response:
    """GET /api/workers"""
    known_query(request)
    require(request, Action.ADMIN)
    services = services_of(request)
    found = await in_thread(services.workers.list)
    queues = await in_thread(services.desk.queues)
    return json_response(WorkersDocument(items=[_document(one) for one in found], queues=[*queues]))


async def change_worker(request: Request) -> Response:
    """POST /api/workers/{name}/{verb}: drain, resume or leave."""
    require(request, Action.ADMIN)
    return json_response(_document(await change(request)), 202)


async def change(request: Request) -> WorkerRecord:
    """Have the worker of this request's address do what that says. Raises NotFound, Conflict."""
    name, verb = request.path_params["name"], request.path_params["verb"]
    if verb not in WISHES:
        raise NotFound("A worker can drain, resume and leave.")
    workers = services_of(request).workers
    worker = await in_thread(workers.get, name)
    if worker.state is WorkerState.LOST:
        raise Conflict("This worker has not been heard of for a while: nobody is there to do it.")
    if worker.wish is Wish.LEAVE:
        raise Conflict("This worker is leaving already.")
    await in_thread(workers.wish, name, WISHES[verb])
    await record(request, f"worker.{verb}", name)
    return await in_thread(workers.get, name)


def _document(worker: WorkerRecord) -> WorkerDocument:
    return WorkerDocument(
        name=worker.name,
        machine=worker.machine,
        frontdesk_version=worker.frontdesk_version,
        lanes=dict(worker.lanes),
        tasks=None if worker.tasks is None else [*worker.tasks],
        state=worker.state,
        wish=worker.wish,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        jobs=[*worker.holds],
    )
