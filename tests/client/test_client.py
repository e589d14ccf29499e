"""The Python client against a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image

from frontdesk.client import Client
from frontdesk.errors import FrontdeskError, HostError, HostUnreachable, InvalidInput, NotFound
from support.server import serving


@pytest.fixture(scope="module")
def client(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    tasks = repository / "tests" / "support" / "tasks" / "desk.py"
    with serving(tmp_path_factory.mktemp("data"), tasks, options=["--web-workers", "1"],
                 FRONTDESK_WAIT_LIMIT_S="0.5") as server, Client(server.url) as client:  # fmt: skip
        yield client


def test_it_lists_tasks_with_their_schemas(client: Client) -> None:
    assert [task["name"] for task in client.tasks()] == ["sign", "brightness", "total", "slow"]
    assert client.task("slow")["inputs"]["properties"]["pause_s"]["maximum"] == 60


def test_it_asks_with_names_and_with_a_mapping(client: Client) -> None:
    assert client.ask("sign", text="shut")["outputs"]["answer"] == "shut, small, '', T"
    assert client.ask("sign", {"model": "Q"}, model="sign")["outputs"]["answer"] == "open, small, '', Q"


def test_it_sends_a_path_as_a_file(client: Client, tmp_path: Path) -> None:
    Image.new("L", (2, 2), 255).save(tmp_path / "white.png")
    answer = client.ask("brightness", picture=tmp_path / "white.png", factor=0.25, model="brightness")
    assert answer["outputs"]["answer"]["value"] == pytest.approx(25)
    with pytest.raises(FrontdeskError, match=r"black\.png cannot be read"):
        client.ask("brightness", picture=tmp_path / "black.png")


def test_an_answer_that_takes_longer_than_the_server_waits_comes_all_the_same(client: Client) -> None:
    assert client.ask("slow", pause_s=1.2)["outputs"] == {"answer": {"slept_s": 1.2}}
    with pytest.raises(TimeoutError, match="is still"):
        client.ask("slow", pause_s=3, wait_s=0.7)


def test_a_ticket_is_awaited_and_tried_again_without_a_second_job(client: Client) -> None:
    ticket = client.submit("slow", pause_s=0.1, idempotency_key="once")
    assert client.submit("slow", pause_s=0.1, idempotency_key="once")["id"] == ticket["id"]
    assert client.wait(ticket["id"])["outputs"] == {"answer": {"slept_s": 0.1}}
    assert ticket["id"] in [job["id"] for job in client.jobs(task="slow", state="succeeded")]
    assert client.change(ticket["id"], "archive")["archived"]
    client.remove(ticket["id"])
    with pytest.raises(NotFound):
        client.job(ticket["id"])


def test_faults_come_through_with_their_places(client: Client) -> None:
    with pytest.raises(InvalidInput) as refusal:
        client.ask("slow", pause_s=61, fails="perhaps")
    assert [fault.pointer for fault in refusal.value.faults] == ["/inputs/pause_s", "/inputs/fails"]


def test_a_model_that_fails_is_an_error_of_the_host(client: Client) -> None:
    with pytest.raises(HostError, match="as it was told to"):
        client.ask("slow", fails=True)
    with pytest.raises(HostError, match="as it was told to"):
        client.wait(client.submit("slow", fails=True)["id"])


def test_what_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="no task of that name"):
        client.ask("nothing")


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(HostUnreachable, match="No server can be"):
        client.tasks()


class Stranger(BaseHTTPRequestHandler):
    """Some other program on the port. It notes which tokens it was shown."""

    tokens: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        self.tokens.add(self.headers["Authorization"])
        self.send_response(200 if self.path == "/api/tasks" else 418)
        self.end_headers()
        self.wfile.write(b"welcome")

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_another_program_is_told_from_frontdesk_and_the_token_is_sent() -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        threading.Thread(target=stranger.serve_forever, args=(0.01,), daemon=True).start()
        with Client(f"http://127.0.0.1:{stranger.server_port}", token="abc") as client:
            with pytest.raises(FrontdeskError, match="not as frontdesk does"):
                client.tasks()
            with pytest.raises(FrontdeskError, match="answered 418"):
                client.task("x")
        stranger.shutdown()
    assert Stranger.tokens == {"Bearer abc"}
