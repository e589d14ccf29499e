"""How a web process ends: soon, and with nothing lost."""

from __future__ import annotations

import threading
import time

import httpx

from frontdesk.serve.who import LOCAL_OWNER
from support.web import Web


def test_it_ends_its_streams_and_gives_its_calls_back(other_web: Web) -> None:
    web = other_web
    job_id = web.predict("double", x=1, pause_s=5, headers={"Prefer": "wait=0.1"}).json()["id"]
    answers: list[httpx.Response] = []
    askers = [
        threading.Thread(
            target=lambda address=address: answers.append(httpx.get(web.url + address, timeout=30))
        )
        for address in ("/api/events", f"/api/jobs/{job_id}/events", f"/api/jobs/{job_id}?wait=30")
    ]
    for asker in askers:
        asker.start()
    time.sleep(0.3)
    began = time.monotonic()
    web.stop_serving()
    for asker in askers:
        asker.join(timeout=10)
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert time.monotonic() - began < 4
    # A worker will do it anew, and this attempt is not counted against it.
    job = web.installation.desk.get(job_id, LOCAL_OWNER)
    assert (job.state, job.attempts) == ("queued", 0)


def test_it_answers_what_it_was_asked_before_it_ends(other_web: Web) -> None:
    web = other_web
    answers: list[httpx.Response] = []
    asker = threading.Thread(target=lambda: answers.append(web.predict("double", x=1, pause_s=0.5)))
    asker.start()
    time.sleep(0.2)
    web.stop_serving()
    asker.join(timeout=10)
    assert answers[0].json()["outputs"] == {"answer": {"value": 2.0}}
