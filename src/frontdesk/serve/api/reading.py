"""What every route of the API reads alike: bodies, preferences, keys, paging."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from frontdesk.errors import Fault, InvalidInput
from frontdesk.serve.problems import Problem

_LIMIT_DEFAULT = 50
_LIMIT_MOST = 500
_ACCEPTABLE_KEY = re.compile(r"[\x21-\x7e]{1,200}").fullmatch
_WAIT = re.compile(r"\d{1,6}(\.\d{1,3})?").fullmatch


@dataclass(frozen=True, slots=True)
class Preference:
    """The `Prefer` header (RFC 7240) as far as it concerns answers: a ticket at once, or how long to wait for more."""

    respond_async: bool = False
    wait_s: float | None = None

    @property
    def patience_s(self) -> float | None:
        """How long to wait for an answer; None: as long as the server likes."""
        return 0.0 if self.respond_async and self.wait_s is None else self.wait_s

    @property
    def applied(self) -> dict[str, str]:
        """The header that says what was taken into account."""
        words = ["respond-async"] if self.respond_async else []
        if self.wait_s is not None:
            words.append(f"wait={self.wait_s:g}")
        return {"Preference-Applied": ", ".join(words)} if words else {}


NO_PREFERENCE = Preference()


def preference(header: bytes | None) -> Preference:
    """Read a `Prefer` header. What it does not know it ignores, as RFC 7240 wants."""
    if header is None:
        return NO_PREFERENCE
    respond_async, wait_s = False, None
    for word in re.split("[,;]", header.decode("latin-1")):
        name, _, value = word.strip().partition("=")
        if name.strip().lower() == "respond-async":
            respond_async = True
        elif name.strip().lower() == "wait" and wait_s is None and _WAIT(value.strip(' "')):
            wait_s = float(value.strip(' "'))
    return Preference(respond_async, wait_s)


def idempotency_key(header: bytes | None) -> str | None:
    """Read an `Idempotency-Key` header, with or without the quotes of its draft standard."""
    if header is None:
        return None
    key = header.decode("latin-1").strip().strip('"')
    if not _ACCEPTABLE_KEY(key):
        raise Problem(400, "The Idempotency-Key must be 1 to 200 visible ASCII characters.")
    return key


async def whole_body(receive: Receive) -> bytes:
    """The body of a request; nearly always one message."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        return body
    chunks = [body]
    while message["type"] == "http.request" and message.get("more_body", False):
        message = await receive()
        chunks.append(message.get("body", b""))
    if message["type"] == "http.disconnect":
        raise Problem(400, "The client hung up in the middle of the body.")
    return b"".join(chunks)


def media_type(header: bytes) -> bytes:
    """The type alone, in lower case, without its parameters."""
    return header.partition(b";")[0].strip().lower()


def paging(request: Request) -> tuple[int, str | None]:
    """`limit` and `cursor` of a list."""
    return whole_number(request, "limit", _LIMIT_DEFAULT, 1, _LIMIT_MOST), request.query_params.get("cursor")


def whole_number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number from the query."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:10]) <= most:
        raise InvalidInput.of([Fault(f"/{name}", f"This must be a whole number from {least} to {most}.")])
    return int(text)


def seconds(request: Request, name: str, most: float) -> float:
    """A number of seconds from the query, 0 when there is none."""
    text = request.query_params.get(name)
    if text is None:
        return 0.0
    if not _WAIT(text):
        raise InvalidInput.of([Fault(f"/{name}", "This must be a number of seconds.")])
    return min(float(text), most)


def known_query(request: Request, *names: str) -> None:
    """Refuse query parameters nobody reads: a misspelt filter must not look like an empty answer."""
    faults = [Fault(f"/{name}", "Unknown parameter.") for name in request.query_params if name not in names]
    if faults:
        raise InvalidInput.of(faults)


def json_response(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A struct as a JSON response."""
    return Response(msgspec.json.encode(document), status, headers, "application/json")
