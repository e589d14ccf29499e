"""Every path and method of the OpenAPI document, as nobody, as somebody else, and as each role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from frontdesk.serve.openapi import describe
from frontdesk.store.ids import new_id
from support.people import Guarded

SHOP = Path(__file__).parent / "shop"
OPEN_TO_ANYBODY = {("get", "/livez"), ("get", "/readyz")}
ADMIN = re.compile(r"/api/(users|rules|audit|workers)").match
WATCHING = re.compile(r"/api/tasks/[^/]+/(monitor|collected)").match
TRAINERS = re.compile(r".*/(train|restart|live|download)$|.*/models/[^/]+/log$|.*/versions/\{n\}$").match
ROLES = {"vera": "viewer", "ann": "member", "tom": "trainer", "ada": "admin"}
Operation = tuple[str, str]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    guarded = Guarded(tmp_path_factory.mktemp("matrix"), SHOP, quota_requests=0, visitor_requests=0)
    yield guarded
    guarded.close()


@pytest.fixture(scope="module")
def operations(guarded: Guarded) -> list[Operation]:
    paths = describe(guarded.cards)["paths"]
    found = [(method, path) for path, item in paths.items() for method in item]
    assert len(found) > 40
    return found


@pytest.fixture(scope="module")
def things(guarded: Guarded) -> dict[str, str]:
    """What ann has: a job that waits, a file, a token, a webhook, a schedule. By the first words of its addresses."""
    with guarded.program("ann") as ann:
        ticket = ann.post(
            "/api/tasks/double/predict", json={"inputs": {"x": 1}}, headers={"Prefer": "respond-async"}
        )
        answered = ann.post("/api/tasks/double/predict", json={"inputs": {"x": 1}})
        stored = ann.post("/api/files", files={"file": ("a.txt", b"mine")})
        token = ann.post("/api/tokens", json={"name": "mine"})
        webhook = ann.post("/api/webhooks", json={"url": "https://8.8.8.8/told"})
        batch = ann.post("/api/tasks/double/batch", files={"file": ("b.csv", b"x,pause_s\n1,0\n")})
        repeated = {"name": "mine", "kind": "batch", "cron": "0 0 1 1 *", "job": batch.json()["id"]}
        schedule = ann.post("/api/schedules", json=repeated)
    return {
        "/api/jobs": ticket.json()["id"], "/api/files": stored.json()["id"], "/api/tokens": token.json()["id"],
        "/api/users": guarded.users["ann"].id, "/api/webhooks": webhook.json()["id"],
        "/api/schedules": schedule.json()["id"], "/api/predictions": answered.json()["id"],
    }  # fmt: skip


def send(client: httpx.Client, operation: Operation, ids: dict[str, str]) -> httpx.Response:
    """Send it, with a body that fits nothing: whoever may not must be told so before it is looked at."""
    method, path = operation
    kind = next((name for name in ids if path.startswith(name)), None)
    given = ids[kind] if kind else new_id()
    address = path.replace("{id}", given).replace("{n}", "999")
    address = address.replace("{task}", "double").replace("{model}", "doubling").replace("{action}", "ask")
    address = address.replace("{name}", "nobody").replace("{verb}", "drain")
    body: Any = {} if method in ("post", "put", "patch") else None
    with client.stream(method.upper(), address, json=body) as response:
        if "event-stream" not in response.headers.get("content-type", ""):
            response.read()
        return response


def unknown(things: dict[str, str]) -> dict[str, str]:
    return {name: new_id() for name in things}


def test_nobody_is_told_to_sign_in(
    guarded: Guarded, operations: list[Operation], things: dict[str, str]
) -> None:
    with guarded.program(None) as nobody:
        for operation in operations:
            answers = [send(nobody, operation, ids) for ids in (things, unknown(things))]
            if operation in OPEN_TO_ANYBODY:
                assert {answer.status_code for answer in answers} == {200}, operation
                continue
            for answer in answers:
                assert answer.status_code == 401, operation
                assert answer.headers["www-authenticate"] == 'Bearer realm="frontdesk"', operation
            assert plain(answers[0]) == plain(answers[1]), operation


def test_what_is_not_good_is_refused_everywhere(guarded: Guarded, operations: list[Operation]) -> None:
    for operation in operations[:3] + operations[-3:]:
        with httpx.Client(
            base_url=guarded.url, headers={"Authorization": "Bearer fd_" + "x" * 43}
        ) as stranger:
            answer = send(stranger, operation, {})
        assert answer.status_code == 401, operation
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_somebody_else_finds_nothing(
    guarded: Guarded, operations: list[Operation], things: dict[str, str]
) -> None:
    theirs = [o for o in operations if "{id}" in o[1] and not ADMIN(o[1]) and owned(o[1], things)]
    assert len(theirs) > 20
    with guarded.program("bob") as bob:
        for operation in theirs:
            found, made_up = send(bob, operation, things), send(bob, operation, unknown(things))
            assert (found.status_code, plain(found)) == (404, plain(made_up)), operation
    with guarded.program("ann") as ann:
        assert ann.get(f"/api/jobs/{things['/api/jobs']}").json()["state"] == "queued"
        assert ann.get(f"/api/files/{things['/api/files']}").content == b"mine"


@pytest.mark.parametrize("name", ROLES)
def test_a_role_may_what_it_may(
    guarded: Guarded, operations: list[Operation], things: dict[str, str], name: str
) -> None:
    ids = unknown(things)
    with guarded.program(name) as somebody:
        for operation in operations:
            status = send(somebody, operation, ids).status_code
            assert status != 401, operation
            assert status < 500 or status == 503, (operation, status)
            is_deletion = operation[0] == "delete" and WATCHING(operation[1])
            is_closed = ((ADMIN(operation[1]) or is_deletion) and name != "ada") or (
                (TRAINERS(operation[1]) or WATCHING(operation[1])) and name not in ("tom", "ada")
            )
            assert (status == 403) == bool(is_closed or batch_is_closed(operation, name)), (operation, status)


def batch_is_closed(operation: Operation, name: str) -> bool:
    return operation[0] == "post" and operation[1].endswith("/batch") and name == "vera"


def owned(path: str, things: dict[str, str]) -> bool:
    return any(path.startswith(name) for name in things)


def plain(answer: httpx.Response) -> str:
    """The answer without what is different each time."""
    return re.sub(r'"request_id":"[^"]*"', "", answer.text)
