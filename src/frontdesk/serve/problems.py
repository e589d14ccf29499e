"""Errors as RFC 9457 problem documents: one table from what was raised to what is answered.

What a model's own code raised is named by its class and message, as the host passes it on; the
traceback stays in the host's log. An error nobody foresaw answers nothing but its request id.
"""

from __future__ import annotations

import errno
import logging
import math
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from frontdesk.errors import (
    CallTimeout,
    Conflict,
    Fault,
    FileDamaged,
    Forbidden,
    FrontdeskError,
    HostCrashed,
    HostUnreachable,
    IdempotencyMismatch,
    InvalidInput,
    MalformedBody,
    ModelBroken,
    NoAnswer,
    NotFound,
    NotSignedIn,
    Overloaded,
    PredictFailed,
    QuotaExceeded,
    StoreUnavailable,
    TooManyRequests,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[FrontdeskError], int], ...] = (
    (MalformedBody, 400),
    (InvalidInput, 422),
    (NotFound, 404),
    (NotSignedIn, 401),
    (Forbidden, 403),
    (TooManyRequests, 429),
    (QuotaExceeded, 413),
    (Conflict, 409),
    (IdempotencyMismatch, 422),
    (PredictFailed, 500),
    (CallTimeout, 504),
    (NoAnswer, 503),
    (Overloaded, 503),
    (ModelBroken, 503),
    (HostCrashed, 503),
    (HostUnreachable, 503),
    (StoreUnavailable, 503),
    (FileDamaged, 500),
)

_RETRY_AFTER_S: dict[type[FrontdeskError], int] = {
    ModelBroken: 60,
    HostCrashed: 1,
    HostUnreachable: 2,
    StoreUnavailable: 10,
}
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Problem(Exception):
    """A request that is answered with an error. Raise it where no error of frontdesk's own fits."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[Fault, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.detail, self.errors = status, detail, errors
        self.headers = dict(headers or {})
        super().__init__(detail)


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The JSON form. `title` belongs to the status, `detail` to this occurrence."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: tuple[Fault, ...] = ()


def problem_of(error: Exception) -> Problem:
    """What to answer when this was raised."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InvalidInput):
        return Problem(422, "The request does not fit what the task takes.", errors=error.faults)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        error = StoreUnavailable(f"The server's disk is full ({error.strerror}). Try again later.")
    if isinstance(error, StoreUnavailable | FileDamaged):
        log.error("a request could not be done: %s", error)
    if isinstance(error, FrontdeskError):
        for kind, status in _STATUS:
            if isinstance(error, kind):
                return Problem(status, str(error) or HTTPStatus(status).phrase, headers=_headers(error))
    if isinstance(error, HTTPException):
        return Problem(error.status_code, _http_detail(error), headers=error.headers)
    log.error("a request failed with an error nobody foresaw", exc_info=error)
    return Problem(
        500, "frontdesk itself failed on this request; the server's log says how, under the request id."
    )


def _headers(error: FrontdeskError) -> dict[str, str]:
    if isinstance(error, NotSignedIn):
        why = ', error="invalid_token"' if error.is_refused else ""
        return {"WWW-Authenticate": f'Bearer realm="frontdesk"{why}'}
    if isinstance(error, NoAnswer | Overloaded | TooManyRequests):
        return {"Retry-After": str(max(math.ceil(error.retry_after_s), 1))}
    seconds = _RETRY_AFTER_S.get(type(error))
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _http_detail(error: HTTPException) -> str:
    match error.status_code:
        case 404:
            return "There is nothing at this address."
        case 405:
            allowed = (error.headers or {}).get("Allow", "")
            return f"This address takes {allowed} only."
    return error.detail


def document_of(problem: Problem, request_id: str = "") -> ProblemDocument:
    """The problem as it is written down, also inside a larger document."""
    return ProblemDocument(
        type="about:blank",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        request_id=request_id,
        errors=problem.errors,
    )


def problem_response(problem: Problem, request_id: str = "") -> Response:
    """The problem as a response."""
    return Response(
        msgspec.json.encode(document_of(problem, request_id)),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def wants_html(request: HTTPConnection) -> bool:
    """Whether a person's browser asks for a page, which gets its errors as a page too."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
