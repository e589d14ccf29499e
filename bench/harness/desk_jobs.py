"""frontdesk's tickets, timed over HTTP and through the desk in this process. The task is peers/frontdesk_trivial.py."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from frontdesk.assemble import Installation
from frontdesk.desk.job import Job, JobState, Lane, NewJob
from frontdesk.settings import Settings

TASK = "add_one"
SUBMITTERS = 16

Figures = dict[str, float]


# ---------------------------------------------------------------------------------- over HTTP


def through_http(address: str, singles: int, many: int) -> Figures:
    """One client on one connection for latency; 16 connections that hand in at once for the rate."""
    place = urlsplit(address).netloc
    client = _Client(place)
    for number in range(20):
        assert client.ask(number) == number + 1
    latencies_ms = []
    for number in range(singles):
        start = time.perf_counter()
        answer = client.ask(1000 + number)
        latencies_ms.append((time.perf_counter() - start) * 1000)
        assert answer == 1001 + number
        time.sleep(0.002)

    start = time.perf_counter()
    asyncio.run(_submit_many(place, many))
    submitted_s = time.perf_counter() - start
    while client.any_unfinished():
        time.sleep(0.01)
    return _figures(latencies_ms, submitted_s, time.perf_counter() - start, many)


class _Client:
    """Hands in a job and reads its events until it is done, as a page does."""

    def __init__(self, place: str) -> None:
        self._api = http.client.HTTPConnection(place, timeout=60)
        self._events = http.client.HTTPConnection(place, timeout=60)
        self._events.request("GET", "/api/events", headers={"Accept": "text/event-stream"})
        self._stream = self._events.getresponse()
        assert self._stream.status == 200, self._stream.status

    def ask(self, number: int) -> float:
        job = self._call(
            "POST", f"/api/tasks/{TASK}/predict", _body(number), {"Prefer": "respond-async"}, 202
        )
        job_id = str(job["id"])
        for line in self._stream:
            text = line.decode()
            if text.startswith("data:") and job_id in text and "succeeded" in text:
                break
        done = self._call("GET", f"/api/jobs/{job_id}", None, {}, 200)
        return float(done["outputs"]["answer"]["value"])

    def any_unfinished(self) -> bool:
        return any(
            self._call("GET", f"/api/jobs?state={state}&limit=1", None, {}, 200)["items"]
            for state in ("queued", "running")
        )

    def _call(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], expected: int
    ) -> Any:
        self._api.request(method, path, body, {"Content-Type": "application/json", **headers})
        response = self._api.getresponse()
        text = response.read()
        assert response.status == expected, text
        return json.loads(text)


def _body(number: int) -> bytes:
    return json.dumps({"inputs": {"a": number}}).encode()


async def _submit_many(place: str, many: int) -> None:
    numbers = iter(range(10_000, 10_000 + many))
    await asyncio.gather(*(_submit(place, numbers) for _ in range(SUBMITTERS)))


async def _submit(place: str, numbers: Any) -> None:
    """One connection, spoken by hand: a client library would take longer than the server."""
    host, port = place.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for number in numbers:
        body = _body(number)
        head = (
            f"POST /api/tasks/{TASK}/predict HTTP/1.1\r\nHost: {place}\r\nPrefer: respond-async\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 202 " in answer.split(b"\r\n", 1)[0], answer
        length = int(answer.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


# ---------------------------------------------------------------------------- in this process


def in_process(environ: Mapping[str, str], data: Path, singles: int, many: int) -> Figures:
    """Hand in through the desk itself while `frontdesk serve` runs its worker on the same data folder."""
    installation = Installation.open(Settings.read(environ, data=data))
    tickets = _Tickets(installation)
    try:
        for number in range(20):
            tickets.wait(tickets.submit(number))
        latencies_ms = []
        for number in range(singles):
            start = time.perf_counter()
            done = tickets.wait(tickets.submit(number))
            latencies_ms.append((time.perf_counter() - start) * 1000)
            assert json.loads(done.outputs or b"")["answer"]["value"] == number + 1
            time.sleep(0.002)
        start = time.perf_counter()
        job_ids = [tickets.submit(number) for number in range(many)]
        submitted_s = time.perf_counter() - start
        for job_id in reversed(
            job_ids[-200:]
        ):  # several are done side by side, so the last handed in may not be last
            tickets.wait(job_id)
        total_s = time.perf_counter() - start
        counts = installation.desk.counts()
        assert not any(
            counts[lane].get(state) for lane in counts for state in (JobState.QUEUED, JobState.RUNNING)
        )
        return _figures(latencies_ms, submitted_s, total_s, many)
    finally:
        tickets.close()
        installation.close()


class _Tickets:
    """Jobs of one owner, and an ear for what becomes of them."""

    def __init__(self, installation: Installation) -> None:
        self._desk = installation.desk
        self._heard = threading.Event()
        self.close = installation.engine.listen(lambda _: self._heard.set())

    def submit(self, number: int) -> str:
        payload = _body(number)
        job = NewJob(owner="local", kind=Lane.PREDICT, task=TASK, model=TASK, payload=payload)
        return self._desk.submit(job).job.id

    def wait(self, job_id: str) -> Job:
        while True:
            self._heard.clear()
            job = self._desk.get(job_id, "local")
            if job.state.is_final:
                assert job.state is JobState.SUCCEEDED, job.error
                return job
            self._heard.wait(timeout=1)


# ------------------------------------------------------------------------------------ figures


def _figures(latencies_ms: list[float], submitted_s: float, total_s: float, many: int) -> Figures:
    cuts = statistics.quantiles(latencies_ms, n=100)
    return {
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
        "submits_per_second": many / submitted_s,
        "jobs_per_second": many / total_s,
        "jobs": many,
    }
