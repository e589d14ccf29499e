"""/livez, /readyz, /metrics, /api/hosts: for those who keep the server running."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from frontdesk.access.rules import Action
from frontdesk.desk.job import JobState, Lane, Queue
from frontdesk.desk.workers import WorkerRecord, WorkerState
from frontdesk.errors import FrontdeskError, HostUnreachable, NotFound
from frontdesk.host.messages import HostStatus
from frontdesk.serve.api.reading import json_response
from frontdesk.serve.asking import asker_of
from frontdesk.serve.metrics import Gauge, Metrics, exposition
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import require


class HostsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Every model and how its host is."""

    items: list[HostStatus]
    next: None = None


class ReadinessDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests can be served, and which part stands in the way."""

    ready: bool
    database: str
    hosts: str


async def livez(request: Request) -> Response:
    """GET /livez: this process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """GET /readyz: the parts this process stands on answer too."""
    services = services_of(request)
    database = hosts = "ok"
    try:
        # The cheapest question there is: it comes every few seconds, from anybody, however many jobs there are.
        await in_thread(services.desk.last_event, None)
    except Exception as error:  # noqa: BLE001  (whatever is wrong with it, it is not ready)
        database = type(error).__name__
    try:
        await services.hosts.survey()
    except FrontdeskError as error:
        hosts = str(error)
    ready = database == hosts == "ok"
    return json_response(
        ReadinessDocument(ready=ready, database=database, hosts=hosts), 200 if ready else 503
    )


async def metrics(request: Request) -> Response:
    """GET /metrics: for Prometheus."""
    services = services_of(request)
    counter: Metrics = request.app.state.metrics
    counts = await in_thread(counter.of_all_processes)
    gauges = _job_gauges(await in_thread(services.desk.counts)) + _host_gauges(await _survey(services))
    gauges += _queue_gauges(await in_thread(services.desk.queues))
    gauges += _worker_gauges(await in_thread(services.workers.list))
    text, media_type = exposition(counts, gauges, request.headers.get("accept", ""))
    return Response(text, headers={"Content-Type": media_type})


async def list_hosts(request: Request) -> Response:
    """GET /api/hosts"""
    return json_response(HostsDocument(items=await services_of(request).hosts.survey()))


async def restart_host(request: Request) -> Response:
    """POST /api/tasks/{task}/models/{model}/restart: try a broken model afresh."""
    task, model = _model(request)
    require(request, Action.TRAIN, task)
    await services_of(request).hosts.restart(task, model)
    return Response(status_code=204)


async def host_log(request: Request) -> Response:
    """GET /api/tasks/{task}/models/{model}/log: the end of what the model's code printed."""
    task, model = _model(request)
    require(request, Action.TRAIN, task)
    return PlainTextResponse(await services_of(request).hosts.log(task, model))


def _model(request: Request) -> tuple[str, str]:
    card = asker_of(request).task(request.path_params["task"])
    model = card.model(request.path_params["model"])
    if model is None:
        raise NotFound("There is no model of that name.")
    return card.name, model.name


async def _survey(services: Services) -> list[HostStatus]:
    try:
        return await services.hosts.survey()
    except HostUnreachable:
        return []


def _job_gauges(counts: Mapping[str, Mapping[str, int]]) -> list[Gauge]:
    """Every lane and state, those without a job too: what Prometheus has never seen it cannot watch."""
    values = [
        ((lane.value, state.value), float(counts[lane.value].get(state.value, 0)))
        for lane in Lane
        for state in JobState
    ]
    return [Gauge("frontdesk_jobs", "Jobs by lane and state.", ("lane", "state"), values)]


def _queue_gauges(queues: Sequence[Queue]) -> list[Gauge]:
    waiting = [((queue.lane.value, queue.task), float(queue.waiting)) for queue in queues]
    oldest = [((queue.lane.value, queue.task), queue.waited_s) for queue in queues]
    return [
        Gauge("frontdesk_jobs_waiting", "Jobs that wait.", ("lane", "task"), waiting),
        Gauge(
            "frontdesk_oldest_wait_seconds",
            "How long that one waits which was handed in first.",
            ("lane", "task"),
            oldest,
        ),
    ]


def _worker_gauges(workers: Sequence[WorkerRecord]) -> list[Gauge]:
    by_state = Counter(worker.state for worker in workers)
    values = [((state.value,), float(by_state[state])) for state in WorkerState]
    return [Gauge("frontdesk_workers", "Workers by state.", ("state",), values)]


def _host_gauges(hosts: list[HostStatus]) -> list[Gauge]:
    def gauge(name: str, text: str, read: str) -> Gauge:
        values = [((host.task, host.model), float(getattr(host, read))) for host in hosts]
        return Gauge(name, text, ("task", "model"), values)

    ready = [((host.task, host.model, host.state), 1.0) for host in hosts]
    return [
        Gauge("frontdesk_host_state", "1 for the state each host is in.", ("task", "model", "state"), ready),
        gauge("frontdesk_host_memory_bytes", "Memory of each host.", "memory_bytes"),
        gauge("frontdesk_host_restarts", "Times each host was started again.", "restarts"),
    ]
