"""Two replicas behind a real nginx, with a real database and a real Redis: nobody can tell that there are two."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from support.replicas import Replicas, replicas
from support.server import until
from support.servers.process import free_port
from support.servers.proxy import Proxy

TASKS = Path(__file__).parent.parent / "support" / "tasks" / "trivial.py"
PREDICT = "/api/tasks/double/predict"

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("replicas")
    with replicas(folder, TASKS, FRONTDESK_QUOTA_REQUESTS="1000000", FRONTDESK_PUBLIC="trouble") as site:
        site.add_user("ann", "member")
        site.add_user("bob", "member")
        yield site


@pytest.fixture(scope="module")
def ann(site: Replicas) -> Iterator[httpx.Client]:
    """A program with a token, by nginx."""
    with site.proxy.client(headers={"Authorization": f"Bearer {site.token('ann')}"}) as client:
        yield client


def straight(site: Replicas, number: int, client: httpx.Client) -> httpx.Client:
    """The same program, past nginx."""
    headers = {"Authorization": client.headers["Authorization"]}
    return httpx.Client(base_url=site.replicas[number].url, headers=headers, timeout=30)


@contextmanager
def connected(site: Replicas) -> Iterator[ssl.SSLSocket]:
    """A client that says what no library would."""
    context = ssl.create_default_context(cafile=site.proxy.folder / "tls" / "tls.crt")
    with (
        socket.create_connection(("localhost", site.proxy.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        yield connection


def head(site: Replicas, client: httpx.Client, *, length: int, request_id: str = "-") -> bytes:
    """The head of a request whose body is still to come."""
    return (
        f"POST {PREDICT} HTTP/1.1\r\nHost: localhost:{site.proxy.port}\r\nConnection: close\r\n"
        f"Authorization: {client.headers['Authorization']}\r\nContent-Type: application/json\r\n"
        f"X-Request-ID: {request_id}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


# ----------------------------------------------------------------------- people and programs


def test_a_person_signs_in_and_asks_whichever_replica_answers(site: Replicas) -> None:
    before = len(site.proxy.exchanges())
    with site.browser() as browser:
        assert browser.sign_in("ann").status_code == 303
        for x in range(6):
            page = browser.press("/tasks/double", "/tasks/double", x=str(x), pause_s="0")
            assert page.status_code == 200, page.text
            assert f"{2 * x}" in page.text
        assert "__Host-frontdesk" in browser.cookies
        secret = browser.cookies["__Host-frontdesk"]
        assert browser.press("/", "/signout").status_code == 303
    assert set(site.answered_by(before)) == set(site.addresses)
    # A replica takes somebody's word for five seconds; then both know that she has left.
    time.sleep(5.5)
    with site.browser() as browser:
        browser.cookies.set("__Host-frontdesk", secret)
        assert {browser.get("/account").status_code for _ in range(4)} == {303}


def test_a_form_of_one_replica_is_taken_by_the_other_but_not_without_its_code(site: Replicas) -> None:
    with site.browser() as browser:
        browser.sign_in("bob")
        codes = [browser.code("/tasks/double") for _ in range(2)]
        for code in codes:
            answers = {
                browser.post("/tasks/double", data={"fd-csrf": code, "x": "4", "pause_s": "0"}).status_code
                for _ in range(2)
            }
            assert answers == {200}
        assert browser.post("/tasks/double", data={"fd-csrf": "f" * 80, "x": "4"}).status_code == 403


def left_of(client: httpx.Client) -> int:
    """How many requests this replica says are left."""
    return int(client.get("/api/tasks").headers["ratelimit"].split("r=")[1].split(";")[0])


def test_requests_are_counted_for_both_replicas_together(site: Replicas, ann: httpx.Client) -> None:
    with straight(site, 0, ann) as first, straight(site, 1, ann) as second:
        before = left_of(first)
        for _ in range(50):
            left_of(second)
        asked = 0

        def is_told() -> bool:
            nonlocal asked
            asked += 1
            return left_of(first) <= before - 50 - asked

        until(is_told, 5, "what the other replica counted", every_s=0.1)


# ------------------------------------------------------------------------------------ news


def test_news_of_a_job_reaches_a_stream_of_the_other_replica(site: Replicas, ann: httpx.Client) -> None:
    with straight(site, 0, ann) as first, straight(site, 1, ann) as second:
        arrived: list[tuple[float, str]] = []
        ready = threading.Event()

        def listen() -> None:
            with first.stream("GET", "/api/events") as stream:
                for line in stream.iter_lines():
                    ready.set()
                    if line.startswith("data: "):
                        event = json.loads(line[6:])
                        arrived.append((time.monotonic(), event["data"].get("state", "")))
                        if event["job"] == job_ids[0] and event["data"].get("state") == "succeeded":
                            return

        job_ids = [""]
        listener = threading.Thread(target=listen)
        listener.start()
        assert ready.wait(10)
        job_ids[0] = second.post(
            PREDICT, json={"inputs": {"x": 3, "pause_s": 0.5}}, headers={"Prefer": "respond-async"}
        ).json()["id"]
        listener.join(timeout=8)  # a heartbeat, which would look anyway, comes after ten
        assert not listener.is_alive(), arrived
        assert [state for _, state in arrived][-3:] == ["queued", "running", "succeeded"]


def test_a_stream_goes_on_at_the_other_replica_where_it_broke_off(site: Replicas, ann: httpx.Client) -> None:
    job = ann.post(PREDICT, json={"inputs": {"x": 1}}, headers={"Prefer": "respond-async"}).json()["id"]
    whole = ann.get(f"/api/jobs/{job}/events").text
    ids = [line[4:] for line in whole.splitlines() if line.startswith("id: ")]
    for _ in range(2):
        rest = ann.get(f"/api/jobs/{job}/events", headers={"Last-Event-ID": ids[0]}).text
        assert [line[4:] for line in rest.splitlines() if line.startswith("id: ")] == ids[1:]


def test_news_is_not_held_back_by_nginx(site: Replicas, ann: httpx.Client) -> None:
    job = ann.post(
        PREDICT, json={"inputs": {"x": 1, "pause_s": 3}}, headers={"Prefer": "respond-async"}
    ).json()["id"]
    began = time.monotonic()
    with ann.stream("GET", f"/api/jobs/{job}/events") as stream:
        first = next(stream.iter_lines())
        assert first == "retry: 1000"
        assert time.monotonic() - began < 2.5


# ----------------------------------------------------------------------------------- files


def test_a_file_sent_to_one_replica_is_used_by_the_other(site: Replicas, ann: httpx.Client) -> None:
    with straight(site, 0, ann) as first, straight(site, 1, ann) as second:
        rows = "x,pause_s\n" + "".join(f"{n},0\n" for n in range(50))
        sent = first.post(
            "/api/tasks/double/batch", files={"file": ("rows.csv", rows)}, data={"format": "csv"}
        )
        assert sent.status_code == 202, sent.text
        job = sent.json()["id"]
        until(
            lambda: second.get(f"/api/jobs/{job}").json()["state"] in ("succeeded", "failed"), 60, "the batch"
        )
        result = second.get(f"/api/jobs/{job}/result")
        assert result.status_code == 200
        assert result.text.splitlines()[-1].startswith("49,0")
        assert second.get(f"/api/jobs/{job}/input").text == rows


def test_bodies_that_are_too_large_are_refused_before_any_replica_sees_them(
    site: Replicas, ann: httpx.Client
) -> None:
    before = len(site.answered_by())
    with connected(site) as connection:
        connection.sendall(head(site, ann, length=64 * 2**20 + 1))
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    assert b"larger than this server takes" in answer
    assert len(site.answered_by()) == before


@pytest.mark.parametrize("path", ["/api/files", "/tasks/double/batch", "/api/tasks/double/batch"])
def test_whole_files_may_be_larger(site: Replicas, ann: httpx.Client, path: str) -> None:
    with connected(site) as connection:
        asked = head(site, ann, length=64 * 2**20 + 1).replace(PREDICT.encode(), path.encode())
        connection.sendall(asked)
        connection.settimeout(1)
        with pytest.raises(TimeoutError):  # it waits for the body
            connection.recv(65536)


# ------------------------------------------------------------------------- what nginx keeps


def test_it_speaks_http_2_over_tls_and_sends_others_there(site: Replicas) -> None:
    context = ssl.create_default_context(cafile=site.proxy.folder / "tls" / "tls.crt")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", site.proxy.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
    moved = httpx.get(f"{site.proxy.plain_url}/tasks/double?x=1", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (308, "https://localhost/tasks/double?x=1")
    answer = subprocess.run(
        ["curl", "--silent", "--http2", "--cacert", str(site.proxy.folder / "tls" / "tls.crt"),
         "--write-out", "%{http_version}", f"{site.proxy.url}/livez"],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    assert answer.endswith("2")


def test_each_header_comes_once_and_the_request_keeps_its_id(site: Replicas) -> None:
    answer = site.proxy.http.get("/signin", headers={"X-Request-ID": "seen-by-both-1"})
    names = [name.lower() for name, _ in answer.headers.multi_items() if name.lower() != "set-cookie"]
    assert len(names) == len(set(names)), names
    assert {"content-security-policy", "x-content-type-options", "strict-transport-security"} <= set(names)
    assert answer.headers["x-request-id"] == "seen-by-both-1"
    until(lambda: any("seen-by-both-1" in replica.log_text() for replica in site.replicas), 10, "the log")
    assert any(record["request_id"] == "seen-by-both-1" for record in site.proxy.exchanges())
    nonsense = site.proxy.http.get("/livez", headers={"X-Request-ID": "a b{}" * 50})
    assert len(nonsense.headers["x-request-id"]) == 32


def test_what_clients_say_of_where_they_come_from_is_not_passed_on(site: Replicas) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "Forwarded": "for=203.0.113.9",
        "X-Request-ID": "forged-1",
    }  # fmt: skip
    with site.proxy.client() as visitor:
        answer = visitor.get("/tasks/trouble", headers={"Accept": "text/html", **forged})
    assert "__Host-" in answer.headers["set-cookie"]  # the replica knows that it was TLS
    until(lambda: any("forged-1" in replica.log_text() for replica in site.replicas), 10, "the log")
    lines = [line for r in site.replicas for line in r.log_text().splitlines() if "forged-1" in line]
    assert lines
    assert "203.0.113.9" not in "".join(lines)


def test_headers_that_are_too_large_or_too_many_end_at_nginx(site: Replicas) -> None:
    before = len(site.answered_by())
    for headers in ({"X-Large": "x" * 40_000}, {f"X-{n}": "y" * 200 for n in range(300)}):
        refused = site.proxy.http.get("/livez", headers=headers)
        assert refused.status_code == 431, refused.text
    assert site.proxy.http.get("/livez?" + "q" * 40_000).status_code == 431
    assert len(site.answered_by()) == before


def test_a_slow_client_keeps_nginx_waiting_and_no_replica(site: Replicas, ann: httpx.Client) -> None:
    body = json.dumps({"inputs": {"x": 8}}).encode()
    with connected(site) as connection:
        connection.sendall(head(site, ann, length=len(body), request_id="slow-1"))
        for byte in body:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    until(lambda: any(one["request_id"] == "slow-1" for one in site.proxy.exchanges()), 10, "the log")
    record = next(one for one in site.proxy.exchanges() if one["request_id"] == "slow-1")
    assert float(record["seconds"]) > 2
    assert float(record["replica_seconds"]) < 1


def test_no_log_of_nginx_has_a_code_to_sign_in_with() -> None:
    with Proxy([free_port()]) as proxy:
        for address in ("/welcome?code=SECRET", "/signin/oidc/back?code=SECRET&state=x", "/tasks?code=PLAIN"):
            assert proxy.http.get(address).status_code == 503
        assert proxy.http.post("/welcome?code=SECRET", data={"code": "SECRET"}).status_code == 503
        until(lambda: any(one["path"] == "/tasks" for one in proxy.exchanges()), 10, "the log")
        log = proxy.log_text()
    assert "Connection refused" in log
    assert "/tasks?code=PLAIN" in log
    assert "SECRET" not in log


# -------------------------------------------------------------------- replicas that come and go


class Load:
    """Programs that ask without a pause, each on connections of its own; what was not answered is kept."""

    def __init__(self, site: Replicas, token: str, *, keyed: bool, callers: int = 6) -> None:
        self._site, self._token, self._keyed = site, token, keyed
        self._callers = callers
        self._ended = threading.Event()
        self.failures: list[str] = []
        self.answers: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self._callers)
        self._work = [self._pool.submit(self._ask, caller) for caller in range(self._callers)]
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for work in self._work:
            work.result(timeout=60)
        self._pool.shutdown()

    def _ask(self, caller: int) -> None:
        headers = {"Authorization": self._token}
        with self._site.proxy.client(headers=headers) as client:
            for number in range(100_000):
                if self._ended.is_set():
                    return
                try:
                    self._note(client, f"{caller}-{number}", number)
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))

    def _note(self, client: httpx.Client, key: str, number: int) -> None:
        headers = {"Idempotency-Key": key} if self._keyed else {}
        answer = client.post(PREDICT, json={"inputs": {"x": number}}, headers=headers)
        said = answer.json()
        is_right = answer.status_code == 200 and said["outputs"]["answer"]["value"] == 2 * number
        if is_right or answer.status_code == 202:
            self.answers.append({"key": key, "id": said["id"]})
        else:
            self.failures.append(f"{answer.status_code} {answer.text[:300]}")


def test_replicas_are_restarted_one_after_the_other_and_no_request_fails(
    site: Replicas, ann: httpx.Client
) -> None:
    with Load(site, ann.headers["Authorization"], keyed=False) as load:
        for replica in site.replicas:
            count = len(load.answers)
            until(lambda count=count: len(load.answers) > count + 100, 30, "answers")
            assert replica.stop() == 0
            count = len(load.answers)
            until(lambda count=count: len(load.answers) > count + 100, 30, "answers of the other")
            replica.start()
    assert load.failures == []


def test_a_replica_is_killed_and_what_carries_a_key_is_asked_again_elsewhere(
    site: Replicas, ann: httpx.Client
) -> None:
    with Load(site, ann.headers["Authorization"], keyed=True, callers=4) as load:
        until(lambda: len(load.answers) > 20, 60, "answers")
        site.replicas[0].kill_everything()
        count = len(load.answers)
        until(lambda: len(load.answers) > count + 20, 60, "answers of the other")
    assert load.failures == []
    assert len({answer["id"] for answer in load.answers}) == len(
        load.answers
    )  # each key has a job of its own
    site.replicas[0].start()


def test_who_comes_while_there_is_no_replica_is_told_so(site: Replicas) -> None:
    for replica in site.replicas:  # nobody needs them after this
        replica.stop()
    program = site.proxy.http.get("/api/tasks")
    assert (program.status_code, program.headers["retry-after"]) == (503, "5")
    assert program.headers["content-type"] == "application/problem+json"
    assert "reached" in program.json()["detail"]
    person = site.proxy.http.get("/", headers={"Accept": "text/html"})
    assert person.status_code == 503
    assert person.headers["content-type"] == "text/html; charset=utf-8"
    assert "cannot be reached" in person.text
