"""A server that stops answers all who have connected; whoever comes later is refused at once, and may ask another."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"
CALLERS = 8


class Caller(threading.Thread):
    """Asks on a new connection each time, as nginx does, until it cannot connect."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._address = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))
        self.answers: list[bytes] = []
        body = json.dumps({"inputs": {"x": 21}}).encode()
        self._request = (
            b"POST /api/tasks/double/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )

    def run(self) -> None:
        while True:
            try:
                connection = socket.create_connection(self._address, timeout=30)
            except ConnectionRefusedError:
                return
            with connection:
                try:
                    connection.sendall(self._request)
                    self.answers.append(connection.recv(65536))
                except ConnectionError as error:
                    self.answers.append(repr(error).encode())


def test_a_server_that_stops_under_load_cuts_nobody_off(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS, options=["--web-workers", "2"]) as server:
        for is_first in (True, False):
            assert server.predict("double", x=1).status_code == 200
            callers = [Caller(server.url) for _ in range(CALLERS)]
            for caller in callers:
                caller.start()
            until(lambda callers=callers: all(len(caller.answers) > 20 for caller in callers), 30, "answers")
            assert server.stop() == 0
            for caller in callers:
                caller.join(timeout=30)
            answers = [answer for caller in callers for answer in caller.answers]
            assert [answer for answer in answers if not answer.startswith(b"HTTP/1.1 200")] == []
            if is_first:
                server.start()


def test_a_call_under_way_becomes_a_ticket_when_the_server_stops(tmp_path: Path) -> None:
    with serving(tmp_path, TASKS, FRONTDESK_LEASE_S="3") as server:
        assert server.predict("double", x=1).status_code == 200
        answers: list[tuple[int, str]] = []
        asked = threading.Thread(target=lambda: answers.append(_slow_answer(server)))
        asked.start()
        time.sleep(1)  # by then the model is at it
        assert server.stop() == 0
        asked.join(timeout=30)
        ((status, job_id),) = answers
        assert status == 202
        server.start()
        assert server.finished(job_id)["outputs"]["answer"]["value"] == 6


def _slow_answer(server: Server) -> tuple[int, str]:
    response = server.predict("double", x=3, pause_s=6)
    return response.status_code, response.json().get("id", "")
