"""Versions under load: another one goes live, and not one call fails."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "training.py"
VERSIONS = "/api/tasks/learn/models/learner/versions"
RATE, SECONDS = 500, 5


def train(server: Server, model: str = "learner", **parameters: Any) -> dict[str, Any]:
    body = {"parameters": {"steps": 2, **parameters}, "model": model}
    response = server.http.post("/api/tasks/learn/train", json=body)
    job = server.finished(response.json()["id"])
    assert job["state"] == "succeeded", job["error"]
    return dict(job["outputs"])


def answer(server: Server, **asked: Any) -> int:
    response = server.http.post("/api/tasks/learn/predict", json={"model": "learner", **asked})
    assert response.status_code == 200, response.text
    return int(response.json()["outputs"]["answer"]["value"])


async def ask_steadily(url: str, seen: Counter[Any]) -> None:
    """RATE questions a second, whether or not those before have been answered."""
    many = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=many) as http, asyncio.TaskGroup() as asked:
        began = time.monotonic()
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(began + number / RATE - time.monotonic(), 0))
            asked.create_task(ask(http, seen))


async def ask(http: httpx.AsyncClient, seen: Counter[Any]) -> None:
    """Count answers by version, and whatever else comes back."""
    try:
        response = await http.post("/api/tasks/learn/predict", json={"inputs": {}})
        seen[response.json()["version"] if response.status_code == 200 else response.text] += 1
    except httpx.HTTPError as error:
        seen[repr(error)] += 1


def test_going_live_under_load_drops_no_call(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS, FRONTDESK_LOG_LEVEL="warning") as server:
        train(server, answer=1)
        train(server, answer=2)
        assert answer(server) == 1
        seen: Counter[Any] = Counter()

        async def change_under_load() -> None:
            asking = asyncio.create_task(ask_steadily(server.url, seen))
            async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
                for number in (2, 1, 2):
                    await asyncio.sleep(1.0)
                    response = await http.post(f"{VERSIONS}/{number}/live")
                    assert response.status_code == 200, response.text
            await asking

        with ThreadPoolExecutor(1) as apart:  # this thread's event loop may be the browser's
            apart.submit(asyncio.run, change_under_load()).result()
        assert set(seen) == {1, 2}, seen
        assert seen.total() == RATE * SECONDS
        assert answer(server) == 2


def test_a_first_version_is_loaded_before_anybody_asks(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        until(
            lambda: "Not trained yet" in server.http.get("/tasks/learn").text, 10, "a model without a version"
        )
        train(server, answer=1)
        until(lambda: "Not trained yet" not in server.http.get("/tasks/learn").text, 10, "its first version")
        until(lambda: "Ready" in server.http.get("/").text, 10, "the model")


def test_it_rolls_back_and_deletes_what_is_not_live(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        for number in (1, 2, 3):
            assert train(server, answer=number)["version"] == number
        assert server.http.post(f"{VERSIONS}/3/live").json()["is_live"]
        assert (answer(server), answer(server, version=2)) == (3, 2)
        assert server.http.post(f"{VERSIONS}/1/live").status_code == 200
        assert answer(server) == 1
        assert server.http.delete(f"{VERSIONS}/1").status_code == 409
        assert server.http.delete(f"{VERSIONS}/3").status_code == 204
        assert server.http.delete(f"{VERSIONS}/3").status_code == 404
        assert [v["number"] for v in server.http.get(VERSIONS).json()["items"]] == [2, 1]
        assert len(list((tmp_path / "versions" / "learn" / "learner").iterdir())) == 2
        assert train(server, answer=4)["version"] == 4  # a number is never given twice
        assert server.http.post(f"{VERSIONS}/9/live").status_code == 404


def test_a_version_that_cannot_be_loaded_never_goes_live(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        train(server, answer=1)
        train(server, answer=2)
        (broken,) = [p for p in (tmp_path / "versions").rglob("answer.txt") if p.read_text() == "2"]
        broken.write_text("not a number")
        assert server.http.post(f"{VERSIONS}/2/live").status_code == 503
        assert answer(server) == 1
        assert [v["number"] for v in server.http.get(VERSIONS).json()["items"] if v["is_live"]] == [1]


def test_a_better_version_goes_live_by_itself_where_that_is_the_policy(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        told = [
            train(server, model="keeper", accuracy=accuracy, answer=n)
            for n, accuracy in enumerate((0.5, 0.4, 0.7))
        ]
        assert [one["is_live"] for one in told] == [True, False, True]
        given = server.http.post("/api/tasks/learn/predict", json={"model": "keeper"}).json()
        assert (given["version"], given["outputs"]["answer"]["value"]) == (3, 2)


def test_a_download_has_the_artifacts_and_a_card(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS) as server:
        train(server, answer=42)
        response = server.http.get(f"{VERSIONS}/1/download")
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            assert archive.testzip() is None
            assert archive.read("artifacts/answer.txt") == b"42"
            card = archive.read("MODEL_CARD.md").decode()
        for line in (
            "# Learn: Learner, version 1",
            "| accuracy | 0.5 |",
            "| answer | 42 |",
            "| confusion | a: 3, 1; b: 0, 4 |",
        ):
            assert line in card
