"""Server-sent events: of one job, of all, resumed, and ended."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

from frontdesk.serve.live import Hub
from support.web import Web


def events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Take a stream apart as a browser does."""
    event: dict[str, Any] = {}
    for line in lines:
        if not line:
            if "data" in event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value


def stream(web: Web, address: str, **headers: str) -> list[dict[str, Any]]:
    with web.http.stream("GET", address, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(events(response.iter_lines()))


def test_the_stream_of_a_job_tells_its_life_and_ends(web: Web) -> None:
    with web.working():
        job_id = web.submit("double", x=201, pause_s=0.2)
        told = stream(web, f"/api/jobs/{job_id}/events")
    states = [event["data"]["data"]["state"] for event in told if event["event"] == "state"]
    assert states == ["queued", "running", "succeeded"]
    assert told[-1]["event"] == "end"
    ids = [int(event["id"]) for event in told if "id" in event]
    assert ids == sorted(set(ids))
    assert {event["data"]["job"] for event in told if "id" in event} == {job_id}


def test_a_stream_resumes_after_the_last_event_that_was_seen(web: Web) -> None:
    job_id = web.submit("double", x=202)
    web.http.post(f"/api/jobs/{job_id}/cancel")
    told = stream(web, f"/api/jobs/{job_id}/events")
    again = stream(web, f"/api/jobs/{job_id}/events", **{"Last-Event-ID": told[0]["id"]})
    assert again == told[1:]


def test_a_last_event_that_is_not_one_is_refused(web: Web) -> None:
    assert web.http.get("/api/events", headers={"Last-Event-ID": "x"}).status_code == 400


def test_the_stream_of_all_jobs_begins_now_and_hears_at_once(web: Web) -> None:
    heard: list[tuple[float, dict[str, Any]]] = []
    opened = threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{web.url}/api/events", timeout=10) as response:
            opened.set()
            for event in events(response.iter_lines()):
                heard.append((time.monotonic(), event))
                if event["data"]["data"].get("state") == "cancelled":
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    assert opened.wait(5)
    time.sleep(0.1)
    job_id = web.submit("double", x=203)
    submitted = time.monotonic()
    time.sleep(0.3)
    web.http.post(f"/api/jobs/{job_id}/cancel")
    listener.join(timeout=10)
    assert [event["data"]["job"] for _, event in heard] == [job_id] * len(heard)
    assert [event["data"]["data"]["state"] for _, event in heard] == ["queued", "cancelled"]
    assert heard[0][0] - submitted < 0.2


def test_streams_cost_no_threads(web: Web) -> None:
    before = threading.active_count()
    with httpx.Client(limits=httpx.Limits(max_connections=None)) as http:
        opened = [http.build_request("GET", f"{web.url}/api/events") for _ in range(60)]
        responses = [http.send(request, stream=True) for request in opened]
        assert threading.active_count() - before <= 32
        for response in responses:
            response.close()


class _Engine:
    def listen(self, heard: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        self.say = heard
        return lambda: None

    def wake(self, lane: str) -> None: ...

    def announce(self, job_ids: Sequence[str]) -> None: ...


def test_a_burst_of_news_from_another_thread_is_noticed_once() -> None:
    async def watch() -> tuple[bool, bool, bool]:
        engine = _Engine()
        hub = Hub(engine)
        hub.start()
        with hub.watching("a") as mine, hub.watching("b") as other, hub.watching() as everything:
            burst = threading.Thread(target=lambda: [engine.say(["a", "c"]) for _ in range(1000)])
            burst.start()
            await asyncio.to_thread(burst.join)
            noticed = await mine.wait(1), await other.wait(0.01), await everything.wait(1)
            assert not await mine.wait(0.01)
            return noticed

    assert asyncio.run(watch()) == (True, False, True)


def test_watches_end_when_the_hub_stops() -> None:
    async def watch() -> bool:
        hub = Hub(_Engine())
        hub.start()
        with hub.watching("a") as mine:
            hub.stop()
            return await mine.wait(1)

    assert asyncio.run(watch())
