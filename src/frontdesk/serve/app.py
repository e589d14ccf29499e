"""The web process: services in, an ASGI application out.

Exchanges   id, log line, counts, headers      exchange.py
Problems    what was raised becomes a problem document or an error page
Guard       foreign hosts, foreign pages, bodies too large      guard.py
Admission   who sent this, how often, and whether it was meant      admission.py
Router      routes.py
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from frontdesk.access import passwords
from frontdesk.errors import NotSignedIn
from frontdesk.monitor.collector import Collector
from frontdesk.serve.admission import Admission
from frontdesk.serve.asking import Asker
from frontdesk.serve.exchange import Exchanges, exchange_of
from frontdesk.serve.guard import Guard
from frontdesk.serve.line import Line
from frontdesk.serve.live import Hub, Reader
from frontdesk.serve.logs import AccessLog
from frontdesk.serve.metrics import Metrics
from frontdesk.serve.openapi import OpenApi, openapi_document
from frontdesk.serve.pages import error_page, to_sign_in
from frontdesk.serve.pages.rendering import is_fragment
from frontdesk.serve.problems import problem_of, problem_response, wants_html
from frontdesk.serve.rates import WINDOW_S
from frontdesk.serve.routes import all_routes
from frontdesk.serve.scheduling import Scheduler
from frontdesk.serve.services import Services
from frontdesk.serve.threads import in_thread, thread_pool
from frontdesk.store.shared_counts import SharedCounts

log = logging.getLogger(__name__)

_COUNTS_KEPT_EVERY_S = 1.0


@dataclass(slots=True)
class AppState:
    """The working parts of one web process; `request.app.state` is where routes find them."""

    services: Services
    hub: Hub
    reader: Reader
    line: Line
    metrics: Metrics
    asker: Asker
    scheduler: Scheduler
    collector: Collector
    access_log: AccessLog | None
    _openapi: OpenApi | None = None

    @property
    def openapi(self) -> OpenApi:
        """Made when it is first asked for: many a process never is."""
        if self._openapi is None:
            self._openapi = openapi_document(self.services.tasks)
        return self._openapi


class App:
    """The application of one web process."""

    def __init__(self, services: Services) -> None:
        hub = Hub(services.engine)
        metrics = Metrics(services.metrics_folder, services.name)
        collector = services.monitor.collector(services.tasks)
        access_log = AccessLog() if services.logs_requests else None
        self.state = AppState(
            services,
            hub,
            Reader(services.desk),
            Line(services.desk),
            metrics,
            Asker(services, hub, metrics, collector),
            Scheduler(services),
            collector,
            access_log,
        )
        router = Router(
            all_routes(services.tasks),
            redirect_slashes=False,
            lifespan=lambda app: self._life(),
        )
        admitted = Admission(
            router, services.gate, SharedCounts(services.redis, WINDOW_S) if services.redis else None
        )
        guarded = Guard(
            admitted, services.allowed_hosts, services.limits.body_bytes, services.limits.upload_bytes
        )
        self._stack: ASGIApp = Exchanges(Problems(guarded), access_log, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        await self._stack(scope, receive, send)

    def end_streams(self) -> None:
        """Let event streams and long polls end; call it on the event loop when the server begins to stop."""
        self.state.hub.stop()

    @contextlib.asynccontextmanager
    async def _life(self) -> AsyncIterator[None]:
        state = self.state
        pool = thread_pool()
        asyncio.get_running_loop().set_default_executor(pool)
        state.hub.start()
        if state.services.gate is not None:
            await in_thread(passwords.prepare)
        if state.access_log is not None:
            state.access_log.start()
        await in_thread(state.collector.receipts.prepare)
        keeper = asyncio.create_task(_keep_counts(state.metrics))
        collecting = asyncio.create_task(state.collector.keep_up())
        state.scheduler.start()
        yield
        await state.scheduler.stop()
        state.hub.stop()
        await state.asker.stop()
        await state.services.hosts.close()
        keeper.cancel()
        collecting.cancel()
        await asyncio.wait({collecting})
        if state.access_log is not None:
            state.access_log.stop()


def create_app(services: Services) -> App:
    """Build the application; nothing runs before its lifespan begins."""
    return App(services)


class Problems:
    """Middleware that answers whatever is raised."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:
            if scope["type"] != "http" or exchange_of(scope).status:
                raise
            problem = problem_of(error)
            request = Request(scope)
            if isinstance(error, NotSignedIn) and wants_html(request) and not is_fragment(request):
                response = to_sign_in(request)
            elif wants_html(request):
                response = error_page(request, problem)
            else:
                response = problem_response(problem, exchange_of(scope).id)
            await response(scope, receive, send)


async def _keep_counts(metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(_COUNTS_KEPT_EVERY_S)
        if (snapshot := metrics.snapshot()) is not None:
            try:
                await in_thread(metrics.keep, snapshot)
            except OSError:
                log.warning("the counts for /metrics could not be noted", exc_info=True)
