"""Templates, and what every page knows."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from frontdesk.serve.problems import Problem

_FOLDER = Path(__file__).parent.parent
STATE_NAMES = {
    "queued": "Pending",
    "running": "In progress",
    "succeeded": "Processed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=_asset, state_names=STATE_NAMES)
    environment.filters.update(ago=_ago, ordinal=_ordinal, duration=_duration, percent=_percent, tag=_tag)
    return environment


def page(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """A whole page, or only the part that changes when a script asks for that with X-Fragment."""
    name = f"parts/{template}" if is_fragment(request) else template
    text = _templates().get_template(name).render(path=request.url.path, **context)
    return HTMLResponse(text, status, headers={"Vary": "X-Fragment", "Cache-Control": "no-store"})


def is_fragment(request: Request) -> bool:
    """Whether a script asked, to replace a part of the page it has."""
    return "x-fragment" in request.headers


def error_page(request: Request, problem: Problem) -> Response:
    """What a person sees in place of a problem document."""
    text = (
        _templates()
        .get_template("error.html")
        .render(path=request.url.path, problem=problem, title=HTTPStatus(problem.status).phrase)
    )
    return HTMLResponse(text, problem.status, headers=problem.headers)


@cache
def _asset(name: str) -> str:
    """The address of a built file, with a version that changes when it does."""
    path = _FOLDER / "static" / name
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else "none"
    return f"/static/{name}?v={version}"


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "–"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 5:
        return "just now"
    return f"{_duration(seconds)} ago"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _tag(kind: Any) -> str:
    return str(kind.__struct_config__.tag)
