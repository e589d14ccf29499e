"""A JSON body as one of our structs."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request

from frontdesk.errors import Fault, InvalidInput
from frontdesk.serve.api.reading import media_type, whole_body
from frontdesk.serve.problems import Problem

S = TypeVar("S", bound=msgspec.Struct)

_PLACE = re.compile(r"(.*?) - at `\$([^`]*)`").fullmatch
_LONGEST_BYTES = 64 * 1024


async def read_struct(request: Request, kind: type[S]) -> S:
    """The body, checked. Raises Problem for what is no JSON, InvalidInput with the place of what does not fit."""
    if media_type(request.headers.get("content-type", "").encode("latin-1")) != b"application/json":
        raise Problem(
            415, "This address takes application/json.", headers={"Accept-Post": "application/json"}
        )
    body = await whole_body(request.receive)
    if len(body) > _LONGEST_BYTES:
        raise Problem(413, f"The body is larger than {_LONGEST_BYTES} bytes.")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput.of([_fault(str(error))]) from None
    except (msgspec.DecodeError, RecursionError):
        raise Problem(400, "The body is not JSON.") from None


def _fault(message: str) -> Fault:
    placed = _PLACE(message)
    if placed is None:
        return Fault("", f"{message}.")
    return Fault(re.sub(r"[.\[]", "/", placed[2]).replace("]", ""), f"{placed[1]}.")
