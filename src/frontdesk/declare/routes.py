"""Addresses an author adds in a `routes.py`: plain functions that ask tasks and know no web framework.

routes = fd.Routes()

@routes.route("GET", "/price/{pieces}")
async def price(request: fd.RouteRequest) -> dict:
    answer = await request.ask("price", {"pieces": int(request.path["pieces"])})
    return {"total": answer["answer"]["value"]}
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from frontdesk.declare.signature import TaskCard
from frontdesk.errors import DeclarationError

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class RouteRequest(Protocol):
    """What a route's function is given. Its verbs act for whoever sent the request, under the same limits."""

    @property
    def path(self) -> Mapping[str, str]:
        """What stood in the braces of the path."""

    @property
    def query(self) -> Mapping[str, str]:
        """The part of the address behind the question mark."""

    @property
    def body(self) -> bytes:
        """What was sent, unless it was a form."""

    @property
    def form(self) -> Mapping[str, str | bytes]:
        """Text fields as text, files as bytes."""

    @property
    def models_folder(self) -> Path:
        """Where downloaded weights, labels and pictures are."""

    def json(self) -> Any:
        """The body as JSON; what is none is refused."""

    def task(self, name: str) -> TaskCard:
        """A task's declaration."""

    async def ask(self, task: str, inputs: Mapping[str, Any], model: str | None = None) -> dict[str, Any]:
        """Ask a model and give its outputs."""

    async def submit(self, task: str, inputs: Mapping[str, Any], model: str | None = None) -> dict[str, Any]:
        """Leave the question with the desk and give the job."""

    async def train(
        self, task: str, parameters: Mapping[str, Any] | None = None, model: str | None = None
    ) -> dict[str, Any]:
        """Train a model, wait for it, and give `{"version", "is_live", "metrics"}`."""

    async def waiting_files(self) -> list[dict[str, Any]]:
        """The spreadsheets that whoever asks has uploaded and no job has processed, oldest first: `{"id", "name"}`."""

    async def process_file(
        self, task: str, file_id: str, model: str | None = None, format: str = "xlsx"
    ) -> dict[str, Any]:
        """Have every row of an uploaded file answered, and give the job."""

    async def job(self, job_id: str) -> dict[str, Any] | None:
        """A job of whoever asks; None if there is none of that id."""


@dataclass(frozen=True, slots=True)
class RouteResponse:
    """An answer that is more than a body. Text and bytes go out as `media_type`, all else as JSON."""

    body: Any = b""
    status: int = 200
    media_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = RouteResponse | Mapping[str, Any] | str
RouteFunction = Callable[[Any], Awaitable[Answer]]
F = TypeVar("F", bound=RouteFunction)


@dataclass(frozen=True, slots=True)
class RouteDeclaration:
    """One function and the address it answers under."""

    method: str
    path: str
    function: RouteFunction


class Routes:
    """The addresses of one `routes.py`, in the order they were declared."""

    def __init__(self) -> None:
        self.declarations: list[RouteDeclaration] = []

    def route(self, method: str, path: str) -> Callable[[F], F]:
        """Answer under a path; parts in braces, as in `/time/{zone}`, arrive in `request.path`."""

        def declare(function: F) -> F:
            self._check(method.upper(), path, function)
            self.declarations.append(RouteDeclaration(method.upper(), path, function))
            return function

        return declare

    def _check(self, method: str, path: str, function: RouteFunction) -> None:
        code = inspect.unwrap(function).__code__
        file, line = code.co_filename, code.co_firstlineno
        if method not in _METHODS:
            raise DeclarationError(
                f"{method} is no method a route can have.", f"Use {', '.join(_METHODS)}.", file, line
            )
        if not path.startswith("/"):
            raise DeclarationError(
                f"The path {path!r} does not start with a slash.", f"Write {'/' + path!r}.", file, line
            )
        if not inspect.iscoroutinefunction(function):
            name = function.__name__
            raise DeclarationError(
                f"The route {name} is not asynchronous.", f"Write `async def {name}`.", file, line
            )
        if any((known.method, known.path) == (method, path) for known in self.declarations):
            raise DeclarationError(
                f"{method} {path} is declared twice.", "Take one of them away.", file, line
            )
