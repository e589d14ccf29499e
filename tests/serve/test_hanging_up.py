"""A client that hangs up is not worked for any longer, and nobody else is hurt by it."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from support.web import WAIT_LIMIT_S, Web


def hang_up(web: Web, address: str, body: object, after_s: float = 0.4) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(web.url + address, json=body, timeout=after_s)


def jobs(web: Web) -> list[str]:
    return [job["id"] for job in web.http.get("/api/jobs").json()["items"]]


def hosts(web: Web) -> dict[str, int]:
    return {
        f"{host['task']}.{host['model']}": host["pid"] for host in web.http.get("/api/hosts").json()["items"]
    }


def test_it_leaves_no_ticket_behind_and_ends_no_model(web: Web) -> None:
    web.predict("double", x=1)
    before, models = jobs(web), hosts(web)
    hang_up(web, "/api/tasks/double/predict", {"inputs": {"x": 1, "pause_s": WAIT_LIMIT_S + 1}})
    time.sleep(WAIT_LIMIT_S + 0.3)
    assert jobs(web) == before
    assert hosts(web)["double.doubling"] == models["double.doubling"]
    assert web.predict("double", x=2).json()["outputs"]["answer"] == {"value": 4.0}


@pytest.mark.parametrize("verb", ["predict", "compare"])
def test_its_call_is_taken_out_of_the_line(web: Web, verb: str) -> None:
    web.predict("double", x=1)
    first = threading.Thread(target=lambda: web.predict("double", x=1, pause_s=1.0))
    first.start()
    time.sleep(0.1)
    slow = {"inputs": {"x": 2, "pause_s": 1.5}}
    strangers = [
        threading.Thread(target=hang_up, args=(web, f"/api/tasks/double/{verb}", slow)) for _ in range(3)
    ]
    for stranger in strangers:
        stranger.start()
    for stranger in strangers:
        stranger.join()
    began = time.monotonic()
    assert web.predict("double", x=3).status_code == 200
    assert time.monotonic() - began < 1.2  # what the first had left, and nothing of the three that left
    first.join()


def test_one_that_asked_with_a_key_may_come_back_for_the_answer(web: Web) -> None:
    body = {"inputs": {"x": 5, "pause_s": 0.8}}
    headers = {"Idempotency-Key": "back-soon"}
    with web.working():
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{web.url}/api/tasks/double/predict", json=body, headers=headers, timeout=0.4)
        answer = web.http.post("/api/tasks/double/predict", json=body, headers=headers)
    assert answer.json()["outputs"]["answer"] == {"value": 10.0}
