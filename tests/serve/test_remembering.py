"""Answers that are given again: to whom, for how long, and when not."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from frontdesk.store.answers import Answers
from frontdesk.store.redis_link import RedisLink
from support.server import until
from support.servers.redis import RedisServer
from support.web import Web

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "dice.py"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as redis:
        yield redis


@pytest.fixture(scope="module")
def dice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A web process without Redis: it keeps answers in its own memory."""
    web = Web(tmp_path_factory.mktemp("dice"), TASKS)
    yield web
    web.close()


def ask(web: Web, task: str = "dice", model: str | None = None, **inputs: Any) -> dict[str, Any]:
    body = {"inputs": inputs} | ({"model": model} if model else {})
    response = web.http.post(f"/api/tasks/{task}/predict", json=body)
    assert response.status_code == 200, response.text
    assert response.headers.get("cache-status") == (
        "frontdesk; hit" if response.json().get("cached") else None
    )
    return dict(response.json())


def test_the_same_inputs_get_the_same_answer_as_a_prediction_of_its_own(dice: Web) -> None:
    first, again = ask(dice, sides=7), ask(dice, sides=7.0)
    assert "cached" not in first
    assert again["cached"] is True
    assert again["outputs"] == first["outputs"]
    assert again["id"] != first["id"]
    assert (again["model"], again["version"]) == (first["model"], first["version"])
    assert "cached" not in ask(dice, sides=8)


def test_a_file_counts_by_what_is_in_it_however_it_was_sent(dice: Web) -> None:
    uploaded = dice.http.post("/api/files", files={"file": ("note.txt", b"a note")}).json()["id"]
    first = ask(dice, note=base64.b64encode(b"a note").decode())
    again = ask(dice, note={"file": uploaded})
    assert again["cached"] is True
    assert again["outputs"] == first["outputs"]
    assert "cached" not in ask(dice, note=base64.b64encode(b"another").decode())


def test_nothing_is_shared_between_tasks_or_models_and_nothing_kept_without_being_asked(dice: Web) -> None:
    ask(dice, sides=9)
    assert "cached" not in ask(dice, "other_dice", sides=9)
    ask(dice, model="fresh", sides=9)
    assert "cached" not in ask(dice, model="fresh", sides=9)


def test_a_comparison_says_which_answers_were_kept(dice: Web) -> None:
    ask(dice, sides=10)
    answers = dice.http.post("/api/tasks/dice/compare", json={"inputs": {"sides": 10}}).json()["answers"]
    assert [answer.get("cached", False) for answer in answers] == [True, False]


def test_an_answer_holds_no_longer_than_its_model_says(dice: Web) -> None:
    first = ask(dice, "brief")
    assert ask(dice, "brief")["outputs"] == first["outputs"]
    time.sleep(0.6)
    assert ask(dice, "brief")["outputs"] != first["outputs"]


def test_a_failure_is_not_kept(dice: Web) -> None:
    assert dice.http.post("/api/tasks/stumbling/predict", json={"inputs": {}}).status_code == 500
    first = ask(dice, "stumbling")
    assert "cached" not in first
    assert ask(dice, "stumbling")["outputs"] == first["outputs"]


def test_another_live_version_never_meets_answers_of_the_one_before(dice: Web, tmp_path: Path) -> None:
    versions = dice.installation.versions
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        versions.add("trained", "trained", tmp_path / str(number), {}, {}, live=number == 1)
    first = ask(dice, "trained")
    assert ask(dice, "trained")["outputs"] == first["outputs"]
    versions.make_live("trained", "trained", 2)
    until(lambda: ask(dice, "trained")["version"] == 2, 20, "the second version")
    second = ask(dice, "trained")
    assert second["outputs"]["answer"]["value"] > 2
    versions.make_live("trained", "trained", 1)
    back = ask(dice, "trained")
    assert (back["version"], back["cached"]) == (1, True)
    assert 1 < back["outputs"]["answer"]["value"] < 2


def test_web_processes_share_answers_in_redis_and_go_on_without_it(
    redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    webs = [Web(tmp_path_factory.mktemp("web"), TASKS, redis=redis.url()) for _ in range(2)]
    try:
        first = ask(webs[0], sides=20)
        assert ask(webs[1], sides=20)["outputs"] == first["outputs"]
        redis.freeze()
        try:
            began = time.monotonic()
            ask(webs[0], sides=21)
            assert ask(webs[0], sides=21)["cached"] is True, "by its own memory meanwhile"
            assert time.monotonic() - began < 2
        finally:
            redis.thaw()
        # Back again: what one keeps the other has.
        numbers = count(30)

        def is_shared() -> bool:
            sides = next(numbers)
            ask(webs[0], sides=sides)
            return "cached" in ask(webs[1], sides=sides)

        until(is_shared, 10, "sharing")
    finally:
        for web in webs:
            web.close()


@pytest.mark.parametrize("is_shared", [False, True])
def test_no_more_is_kept_than_the_limit(redis: RedisServer, is_shared: bool) -> None:
    redis.client().flushall()

    async def fill() -> list[bytes | None]:
        answers = Answers(10_000, RedisLink(redis.url()) if is_shared else None)
        try:
            for number in range(50):
                await answers.put(str(number), bytes(800), 60 + number)
            await answers.put("huge", bytes(20_000), 60)
            await answers.put("49", b"replaced", 200)
            return [await answers.get(key) for key in ("0", "48", "49", "huge")]
        finally:
            await answers.close()

    assert asyncio.run(fill()) == [None, bytes(800), b"replaced", None]
    if is_shared:
        client = redis.client()
        assert int(client.get("frontdesk:answers:bytes")) == 9 * 1000 + 208  # type: ignore[arg-type]
        assert len(client.keys("frontdesk:answer:*")) == client.zcard("frontdesk:answers:ends") == 10  # type: ignore[arg-type]
