"""A real web process, worker, supervisor and hosts, all but the hosts in threads of the test's own process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from frontdesk import assemble, crew
from frontdesk.serve.app import App
from frontdesk.serve.server import server_for
from frontdesk.settings import Settings
from support.databases import DATABASES

T = TypeVar("T")

WAIT_LIMIT_S = 2.0
BODY_LIMIT_BYTES = 300_000
UPLOAD_LIMIT_BYTES = 2_000_000


class Web:
    """What a test holds: an HTTP client and, for looking behind it, the parts."""

    def __init__(self, folder: Path, *sources: Path, access: str = "open", **more: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        settings = Settings(
            data=folder / "data",
            models=folder / "models",
            wait_limit_s=WAIT_LIMIT_S,
            body_limit_bytes=BODY_LIMIT_BYTES,
            upload_limit_bytes=UPLOAD_LIMIT_BYTES,
            lease_s=3.0,
            log_level="warning",
            access=access,
            database=DATABASES.url_of(folder / "data"),
            **more,
        )
        self.installation = assemble.Installation.open(settings)
        self.cards = cards = assemble.cards_of(settings, list(sources))
        self._supervisor = assemble.supervisor(self.installation, cards)
        self._call(self._supervisor.start())
        self.app = self._call(self._build(cards))
        listener = socket.create_server(("127.0.0.1", 0))
        self._server = server_for(self.app, settings.trusted_proxies)
        self._serving = asyncio.run_coroutine_threadsafe(self._server.serve([listener]), self._loop)
        while not self._server.started:
            assert not self._serving.done(), self._serving.exception()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.http = httpx.Client(base_url=self.url, timeout=30)

    async def _build(self, cards: assemble.Cards) -> App:
        return assemble.web_app(self.installation, cards, name="web-1")

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def stop_serving(self) -> None:
        """End the web process as SIGTERM would."""
        self._server.should_exit = True
        self._serving.result(timeout=30)

    def close(self) -> None:
        """End everything."""
        self.http.close()
        self.stop_serving()
        self._call(self._supervisor.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()
        self.installation.close()
        self.installation.engine.close()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Have a worker for the length of a with block."""
        worker = crew.worker(self.installation, self.cards, name="worker-1")
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield
        finally:
            worker.stop()
            thread.join(timeout=30)

    # ------------------------------------------------------------------------- asking it

    def predict(self, task: str, *, headers: dict[str, str] | None = None, **inputs: Any) -> httpx.Response:
        return self.http.post(f"/api/tasks/{task}/predict", json={"inputs": inputs}, headers=headers)

    def submit(self, task: str, **inputs: Any) -> str:
        """Ask for a ticket; give its id."""
        response = self.predict(task, headers={"Prefer": "respond-async"}, **inputs)
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def job(self, job_id: str, wait_s: float = 0) -> dict[str, Any]:
        response = self.http.get(f"/api/jobs/{job_id}", params={"wait": wait_s} if wait_s else None)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def finished(self, job_id: str) -> dict[str, Any]:
        """The job once it is over."""
        for _ in range(20):
            job = self.job(job_id, WAIT_LIMIT_S)
            if job["state"] in ("succeeded", "failed", "cancelled"):
                break
        return job
