"""A real web process, worker, supervisor and hosts, all but the hosts in threads of the test's own process."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from frontdesk import assemble
from frontdesk.run.worker import Worker
from frontdesk.serve.app import App, create_app
from frontdesk.serve.server import server_for
from frontdesk.serve.services import Limits, Services
from frontdesk.settings import Settings

WAIT_LIMIT_S = 2.0
BODY_LIMIT_BYTES = 300_000


class Web:
    """What a test holds: an HTTP client and, for looking behind it, the parts."""

    def __init__(
        self, url: str, app: App, installation: assemble.Installation, work: Callable[[], Any]
    ) -> None:
        self.url, self.app, self.installation = url, app, installation
        self.http = httpx.Client(base_url=url, timeout=30)
        self.working = contextmanager(work)

    def predict(self, task: str, *, headers: dict[str, str] | None = None, **inputs: Any) -> httpx.Response:
        return self.http.post(f"/api/tasks/{task}/predict", json={"inputs": inputs}, headers=headers)

    def submit(self, task: str, **inputs: Any) -> str:
        response = self.predict(task, headers={"Prefer": "respond-async"}, **inputs)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def job(self, job_id: str, wait_s: float = 0) -> dict[str, Any]:
        response = self.http.get(f"/api/jobs/{job_id}", params={"wait": wait_s} if wait_s else None)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def finished(self, job_id: str) -> dict[str, Any]:
        for _ in range(60):
            job = self.job(job_id, WAIT_LIMIT_S)
            if job["state"] in ("succeeded", "failed", "cancelled"):
                return job
        raise AssertionError(job)


@contextmanager
def running(folder: Path, *sources: Path) -> Iterator[Web]:
    """One server; a worker runs only inside `with web.working()`."""
    settings = Settings(
        data=folder / "data",
        models=folder / "models",
        wait_limit_s=WAIT_LIMIT_S,
        body_limit_bytes=BODY_LIMIT_BYTES,
        lease_s=3.0,
    )
    installation = assemble.Installation.open(settings)
    cards = assemble.cards_of(settings, list(sources))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(coroutine: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, loop)
        return future.result(timeout=30)

    supervisor = assemble.supervisor(installation, cards)
    call(supervisor.start())

    async def build() -> App:
        services = services_for(installation, cards)
        return create_app(services)

    app = call(build())
    listener = socket.create_server(("127.0.0.1", 0))
    server = server_for(app)
    serving = asyncio.run_coroutine_threadsafe(server._serve([listener]), loop)
    while not server.started:
        assert not serving.done(), serving.exception()

    def work() -> Iterator[None]:
        worker = assemble.worker(installation, name=f"worker-{os.getpid()}")
        worker_thread = threading.Thread(target=Worker.run, args=(worker,))
        worker_thread.start()
        try:
            yield
        finally:
            worker.stop()
            worker_thread.join(timeout=30)

    web = Web(f"http://127.0.0.1:{listener.getsockname()[1]}", app, installation, work)
    yield web
    web.http.close()
    server.should_exit = True
    serving.result(timeout=30)
    call(supervisor.stop())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()
    installation.close()


def services_for(installation: assemble.Installation, cards: assemble.Cards) -> Services:
    settings = installation.settings
    return Services(
        name="web-1",
        tasks=cards,
        desk=installation.desk,
        files=installation.files,
        versions=installation.versions,
        hosts=assemble.host_client(installation),
        engine=installation.engine,
        models_folder=settings.models,
        thumbs_folder=settings.data / "cache" / "thumbs",
        metrics_folder=settings.data / "metrics",
        limits=Limits(
            body_bytes=settings.body_limit_bytes,
            json_depth=settings.json_depth_limit,
            wait_s=settings.wait_limit_s,
            lease_s=settings.lease_s,
        ),
        logs_requests=False,
    )
