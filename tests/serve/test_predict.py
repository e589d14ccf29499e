"""The predict route: answers, tickets, and everything it refuses."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import httpx
import pytest

from support.web import BODY_LIMIT_BYTES, WAIT_LIMIT_S, Web


def pointers(response: httpx.Response) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]


def assert_problem(response: httpx.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text


# ------------------------------------------------------------------------------- answers


def test_it_answers(web: Web) -> None:
    response = web.predict("double", x=21)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["model"] == web.app.state.services.tasks["double"].models[0].name
    assert answer["version"] == 1
    assert answer["outputs"] == {"answer": {"value": 42.0}}
    assert len(answer["id"]) == 36


def test_it_asks_the_model_that_is_named(web: Web) -> None:
    content = base64.b64encode(b"12345").decode()
    response = web.http.post(
        "/api/tasks/measure/predict", json={"inputs": {"content": content}, "model": "other"}
    )
    assert response.json()["model"] == "other"
    assert response.json()["outputs"]["answer"] == "other: 5 bytes"


def test_it_takes_multipart(web: Web) -> None:
    response = web.http.post(
        "/api/tasks/measure/predict",
        files={"content": ("a.bin", b"123")},
        data={"note": "hello", "model": "other"},
    )
    assert response.status_code == 200, response.text
    assert response.json()["outputs"]["answer"] == "other: 3 bytes hello"


def test_it_takes_the_id_of_an_uploaded_file(web: Web) -> None:
    stored = web.http.post("/api/files", files={"file": ("a.bin", b"1234567")}).json()
    response = web.predict("measure", content={"file": stored["id"]})
    assert response.json()["outputs"]["answer"] == "plain: 7 bytes"


def test_it_refuses_the_id_of_a_file_there_is_not(web: Web) -> None:
    response = web.predict("measure", content={"file": "01a1fb6c-1781-7196-be6a-62043766113b"})
    assert_problem(response, 422)
    assert pointers(response) == ["/inputs/content/file"]


def test_it_compares_all_models(web: Web) -> None:
    content = base64.b64encode(b"1").decode()
    response = web.http.post("/api/tasks/measure/compare", json={"inputs": {"content": content}})
    assert [(answer["model"], answer["outputs"]["answer"]) for answer in response.json()["answers"]] == [
        ("plain", "plain: 1 bytes"),
        ("other", "other: 1 bytes"),
    ]


def test_a_model_that_fails_does_not_spoil_a_comparison(web: Web) -> None:
    response = web.http.post("/api/tasks/trouble/compare", json={"inputs": {"what": "raise"}})
    assert response.status_code == 200
    assert response.json()["answers"][0]["problem"]["status"] == 500


# ---------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b'{"inputs":{"x":1}', 400, None),
        (b"", 400, None),
        (b"[1]", 422, None),
        (b'{"inputs":{"x":"one"}}', 422, ["/inputs/x"]),
        (b'{"inputs":{}}', 422, ["/inputs/x"]),
        (b'{"inputs":{"x":1001,"pause_s":-1}}', 422, ["/inputs/x", "/inputs/pause_s"]),
        (b'{"inputs":{"x":1,"y":2}}', 422, ["/inputs/y"]),
        (b'{"inputs":{"x":1},"modell":"a"}', 422, ["/modell"]),
        (b'{"inputs":{"x":1},"model":"nobody"}', 422, ["/model"]),
        (b'{"inputs":{"x":1},"version":7}', 422, ["/version"]),
        (b'{"inputs":{"x":' + b"[" * 40 + b"]" * 40 + b"}}", 422, None),
        (b'{"inputs":{"x":NaN}}', 400, None),
        (b'{"inputs":{"x":1,"\\ud800":1}}', 422, ["/inputs/?"]),
    ],
)
def test_it_refuses_what_does_not_fit(web: Web, body: bytes, status: int, where: list[str] | None) -> None:
    response = web.http.post(
        "/api/tasks/double/predict", content=body, headers={"Content-Type": "application/json"}
    )
    assert_problem(response, status)
    if where is not None:
        assert pointers(response) == where


def test_there_is_no_task_of_another_name(web: Web) -> None:
    assert_problem(web.predict("nothing", x=1), 404)


def test_it_takes_json_or_multipart_only(web: Web) -> None:
    response = web.http.post(
        "/api/tasks/double/predict", content=b"x=1", headers={"Content-Type": "text/plain"}
    )
    assert_problem(response, 415)
    assert "application/json" in response.headers["accept-post"]


def test_it_says_which_methods_there_are(web: Web) -> None:
    response = web.http.get("/api/tasks/double/predict")
    assert_problem(response, 405)
    assert response.headers["allow"] == "POST"


def test_an_unknown_address_is_a_problem_too(web: Web) -> None:
    assert_problem(web.http.get("/api/nothing"), 404)


def test_a_body_that_says_it_is_too_large_is_refused_unread(web: Web) -> None:
    response = web.http.post(
        "/api/tasks/double/predict",
        content=b"x" * (BODY_LIMIT_BYTES + 1),
        headers={"Content-Type": "application/json"},
    )
    assert_problem(response, 413)


def test_a_body_that_does_not_say_is_counted(web: Web) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(BODY_LIMIT_BYTES // 10_000 + 2):
            yield b" " * 10_000

    response = web.http.post(
        "/api/tasks/double/predict", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert_problem(response, 413)


@pytest.mark.parametrize(
    ("parts", "status", "pointer"),
    [
        ({"files": {"content": ("a", b"x" * 100_001)}}, 413, "/content"),
        ({"files": {"content": ("a", b"x")}, "data": {"surprise": "1"}}, 422, "/surprise"),
        ({"files": {"other": ("a", b"x")}}, 422, "/other"),
        ({"files": {"content": ("a", b"x")}, "data": {"version": "first"}}, 422, "/version"),
    ],
)
def test_it_refuses_forms_that_do_not_fit(
    web: Web, parts: dict[str, object], status: int, pointer: str
) -> None:
    response = web.http.post("/api/tasks/measure/predict", **parts)  # type: ignore[arg-type]
    assert_problem(response, status)
    assert pointers(response) == [pointer]


# --------------------------------------------------------------------------- models in trouble


@pytest.mark.parametrize(
    ("what", "status"), [("raise", 500), ("refuse", 422), ("segfault", 503), ("hang", 504)]
)
def test_a_model_in_trouble_is_a_problem_and_the_next_call_is_answered(
    web: Web, what: str, status: int
) -> None:
    response = web.predict("trouble", what=what)
    assert_problem(response, status)
    if status == 503:
        assert int(response.headers["retry-after"]) >= 1
    assert web.predict("trouble", what="nothing").status_code == 200


def test_an_untrained_model_says_so(web: Web) -> None:
    assert_problem(web.predict("untrained", x=1), 409)
    assert_problem(web.predict("untrained", x=1, headers={"Prefer": "respond-async"}), 409)


# ----------------------------------------------------------------------------------- tickets


def test_who_prefers_a_ticket_gets_one_at_once(web: Web) -> None:
    with web.working():
        response = web.predict("double", x=3, headers={"Prefer": "respond-async"})
        job = response.json()
        assert response.status_code == 202
        assert response.headers["location"] == f"/api/jobs/{job['id']}"
        assert response.headers["preference-applied"] == "respond-async"
        assert int(response.headers["retry-after"]) >= 1
        assert (job["state"], job["position"]) in (("queued", 1), ("running", None), ("succeeded", None))
        done = web.finished(job["id"])
    assert (done["state"], done["outputs"]) == ("succeeded", {"answer": {"value": 6.0}})


def test_an_answer_that_takes_too_long_becomes_a_ticket_and_is_not_lost(web: Web) -> None:
    began = time.monotonic()
    response = web.predict("double", x=4, pause_s=WAIT_LIMIT_S * 1.5)
    assert response.status_code == 202, response.text
    assert time.monotonic() - began < WAIT_LIMIT_S * 1.4
    assert response.json()["state"] == "running"
    # There is no worker: nobody but the call that was under way already can have finished it.
    done = web.finished(response.json()["id"])
    assert (done["state"], done["outputs"], done["attempts"]) == ("succeeded", {"answer": {"value": 8.0}}, 1)
    assert done["version"] == 1


def test_who_waits_less_gets_a_ticket_sooner(web: Web) -> None:
    response = web.predict("double", x=5, pause_s=0.3, headers={"Prefer": "wait=0.1"})
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=0.1"
    assert web.finished(response.json()["id"])["outputs"] == {"answer": {"value": 10.0}}


def test_what_is_under_way_already_is_not_queued_again(web: Web) -> None:
    slow = {"x": 11.5, "pause_s": 0.6}
    job_id = web.predict("double", **slow, headers={"Prefer": "wait=0.1"}).json()["id"]
    assert web.submit("double", **slow) == job_id
    assert web.finished(job_id)["attempts"] == 1


def test_who_waits_long_enough_gets_the_answer(web: Web) -> None:
    response = web.predict("double", x=6, headers={"Prefer": "wait=5"})
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=5"


def test_a_ticket_that_runs_here_can_be_cancelled(web: Web) -> None:
    job_id = web.predict("double", x=7, pause_s=30, headers={"Prefer": "wait=0.1"}).json()["id"]
    assert web.http.post(f"/api/jobs/{job_id}/cancel").json()["state"] == "cancelled"
    until_free = time.monotonic() + 10
    while web.predict("double", x=1).status_code != 200:
        assert time.monotonic() < until_free
    assert web.job(job_id)["state"] == "cancelled"


def test_the_bytes_of_a_job_are_kept_as_a_file(web: Web) -> None:
    with web.working():
        content = base64.b64encode(b"123456789").decode()
        job_id = web.submit("measure", content=content)
        assert web.finished(job_id)["outputs"] == {"answer": "plain: 9 bytes"}
    kept = web.http.get(f"/api/jobs/{job_id}/input").json()["inputs"]["content"]
    assert web.http.get(f"/api/files/{kept['file']}").content == b"123456789"
    assert_problem(web.http.delete(f"/api/files/{kept['file']}"), 409)
    assert web.http.delete(f"/api/jobs/{job_id}").status_code == 204
    assert_problem(web.http.get(f"/api/files/{kept['file']}"), 404)


def test_identical_unfinished_requests_share_a_ticket(web: Web) -> None:
    content = base64.b64encode(b"the same").decode()
    first, second = web.submit("measure", content=content), web.submit("measure", content=content)
    stored = web.http.post("/api/files", files={"file": ("a.bin", b"the same")}).json()
    third = web.submit("measure", content={"file": stored["id"]})
    other = web.submit("measure", content=content, note="not the same")
    assert first == second == third != other
    for job_id in (first, other):
        web.http.post(f"/api/jobs/{job_id}/cancel")


def test_the_same_key_and_request_give_the_same_answer(web: Web) -> None:
    with web.working():
        first = web.predict("double", x=8, headers={"Idempotency-Key": "k-1"})
        second = web.predict("double", x=8, headers={"Idempotency-Key": "k-1"})
    assert first.status_code == second.status_code == 200, first.text
    assert first.json() == second.json()
    assert web.job(first.json()["id"])["state"] == "succeeded"


def test_the_same_key_for_another_request_is_refused(web: Web) -> None:
    key = {"Idempotency-Key": "k-2", "Prefer": "respond-async"}
    first = web.predict("double", x=9, headers=key)
    assert first.status_code == 202
    assert_problem(web.predict("double", x=10, headers=key), 422)
    assert web.predict("double", x=9, headers=key).json()["id"] == first.json()["id"]
    web.http.post(f"/api/jobs/{first.json()['id']}/cancel")


@pytest.mark.parametrize(
    ("task", "inputs", "status"),
    [
        ("trouble", {"what": "raise"}, 500),
        ("trouble", {"what": "refuse"}, 422),
        ("trouble", {"what": "segfault"}, 503),
        ("untrained", {}, 409),
    ],
)
def test_a_failure_is_the_same_with_a_key_and_without_one(
    web: Web, task: str, inputs: dict[str, str], status: int
) -> None:
    key = {"Idempotency-Key": f"failing-{task}-{'-'.join(inputs.values())}"}
    with web.working():
        plain = web.predict(task, **inputs)
        first, again = (web.predict(task, headers=key, **inputs) for _ in range(2))
    for response in (plain, first, again):
        assert_problem(response, status)
    assert first.json()["detail"] == again.json()["detail"]


def test_a_key_that_is_not_one_is_refused(web: Web) -> None:
    assert_problem(web.predict("double", x=1, headers={"Idempotency-Key": "with space"}), 400)
