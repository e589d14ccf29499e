"""Templates, and what every page knows."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from frontdesk.serve import csrf
from frontdesk.serve.admission import csrf_of
from frontdesk.serve.exchange import exchange_of
from frontdesk.serve.pages.formats import FILTERS, KIND_NAMES, STATE_NAMES
from frontdesk.serve.pages.plots import histogram, spread
from frontdesk.serve.problems import Problem
from frontdesk.serve.who import CALLER

_FOLDER = Path(__file__).parent.parent


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        asset=_asset, state_names=STATE_NAMES, kind_names=KIND_NAMES, histogram=histogram, spread=spread
    )
    environment.filters.update(FILTERS)
    return environment


def page(
    request: Request, template: str, status: int = 200, *, part: str | None = None, **context: Any
) -> Response:
    """A whole page, or only the part that changes when a script asks for that with X-Fragment."""
    name = f"parts/{part or template}" if is_fragment(request) else template
    text = _templates().get_template(name).render(**_everywhere(request), **context)
    return HTMLResponse(text, status, headers={"Vary": "X-Fragment", "Cache-Control": "no-store"})


def _everywhere(request: Request) -> dict[str, Any]:
    """What every page knows. A form that changes something begins with `csrf_field`."""
    code = csrf_of(request)
    field = Markup('<input type="hidden" name="{}" value="{}">').format(csrf.FIELD, code)
    return {
        "path": request.url.path,
        "caller": request.scope.get(CALLER),
        "csrf_code": code,
        "csrf_field": field if code else "",
    }


def is_fragment(request: Request) -> bool:
    """Whether a script asked, to replace a part of the page it has."""
    return "x-fragment" in request.headers


def error_page(request: Request, problem: Problem) -> Response:
    """What a person sees in place of a problem document."""
    text = (
        _templates()
        .get_template("error.html")
        .render(
            **_everywhere(request),
            problem=problem,
            title=_title(problem.status),
            request_id=exchange_of(request.scope).id,
        )
    )
    return HTMLResponse(text, problem.status, headers=problem.headers)


def _title(status: int) -> str:
    """In plain words what RFC 9110 calls it."""
    match status:
        case 401:
            return "Sign in first"
        case 403:
            return "Not allowed"
        case 410:
            return "No longer good"
        case 413:
            return "Too large"
        case 422:
            return "That does not fit"
        case 500:
            return "Something went wrong"
        case 503:
            return "Not available now"
    return HTTPStatus(status).phrase.capitalize()


@cache
def _asset(name: str) -> str:
    """The address of a built file, with a version that changes when it does."""
    path = _FOLDER / "static" / name
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else "none"
    return f"/static/{name}?v={version}"
