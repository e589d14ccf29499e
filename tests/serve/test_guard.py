"""What is refused before any route sees it, and what every response carries."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from frontdesk.serve.server import server_for
from support.web import Web


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "", "127.0.0.1.evil.example", "[::2]"])
def test_it_refuses_other_names(web: Web, host: str) -> None:
    assert web.http.get("/livez", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]", "[::1]:8000"])
def test_it_goes_by_the_names_of_this_machine(web: Web, host: str) -> None:
    assert web.http.get("/livez", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_it_refuses_what_pages_of_other_sites_send(web: Web, headers: dict[str, str]) -> None:
    assert web.predict("double", x=1, headers=headers).status_code == 403
    assert web.http.get("/api/tasks", headers=headers).status_code == 200


def test_its_own_pages_may_ask(web: Web) -> None:
    headers = {"Origin": web.url, "Sec-Fetch-Site": "same-origin"}
    assert web.predict("double", x=1, headers=headers).status_code == 200


@pytest.mark.parametrize("address", ["/livez", "/api/tasks", "/api/nothing", "/docs"])
def test_every_response_says_what_a_browser_may_do_with_it(web: Web, address: str) -> None:
    headers = web.http.get(address).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_request_id_is_echoed_or_made(web: Web) -> None:
    assert web.http.get("/livez", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert len(web.http.get("/livez").headers["x-request-id"]) == 36
    odd = web.http.get("/livez", headers={"X-Request-ID": 'a"b c'}).headers["x-request-id"]
    assert len(odd) == 36


class _Mirror(Starlette):
    """Answers with whom a request seems to come from, and how."""

    def __init__(self) -> None:
        super().__init__(routes=[Route("/", self._seen)])

    async def _seen(self, request: Request) -> Response:
        return PlainTextResponse(f"{request.client.host} {request.url.scheme}" if request.client else "")

    def end_streams(self) -> None:
        """There are none."""


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        ("", "127.0.0.1 http"),
        ("10.0.0.1", "127.0.0.1 http"),
        ("127.0.0.1", "203.0.113.9 https"),
        ("10.0.0.1, 127.0.0.0/8", "203.0.113.9 https"),
    ],
)
def test_only_a_trusted_proxy_says_whom_a_request_came_from(trusted: str, seen: str) -> None:
    async def ask() -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        server = server_for(_Mirror(), trusted)
        serving = asyncio.create_task(server.serve([listener]))
        async with httpx.AsyncClient() as client:
            answer = await client.get(
                f"http://127.0.0.1:{listener.getsockname()[1]}/",
                headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"},
            )
        server.should_exit = True
        await serving
        return answer.text

    assert asyncio.run(ask()) == seen
