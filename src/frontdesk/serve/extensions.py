"""Classic routes: addresses an example or an author adds in a `routes.py`, answered through the same doors.

The functions are plain (`declare/routes.py`); what they are given here asks, submits and looks up
on behalf of whoever sent the request, under the same limits and with the same problems.
"""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from frontdesk.access.rules import Action
from frontdesk.declare.routes import RouteDeclaration, RouteResponse, Routes
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.job import Job, JobState
from frontdesk.errors import CallTimeout, DeclarationError, NotFound, NotSignedIn
from frontdesk.serve.admission import keep_visitor
from frontdesk.serve.api.documents import counted_job_document
from frontdesk.serve.api.reading import json_response, media_type
from frontdesk.serve.asking import Answered, Question, asker_of, refusal_of
from frontdesk.serve.batching import BatchOrder, submit_stored
from frontdesk.serve.forms import read_form
from frontdesk.serve.problems import Problem
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.training import TrainOrder, checked_parameters, submit, trainable
from frontdesk.serve.who import Door, caller_of, enter, readable_job, require
from frontdesk.store.sheets.formats import SheetFormat

_SHEETS = (".csv", ".tsv", ".xlsx", ".parquet")
_FILES_AT_ONCE = 500
_FORMS = frozenset({b"multipart/form-data", b"application/x-www-form-urlencoded"})


@dataclass(frozen=True, slots=True)
class ClassicRequest:
    """What a classic route is given; see declare.routes.RouteRequest."""

    path: dict[str, str]
    query: dict[str, str]
    body: bytes
    form: dict[str, str | bytes]
    _request: Request

    @classmethod
    async def read(cls, request: Request) -> ClassicRequest:
        """Read all of a request; its body was limited before."""
        form: dict[str, str | bytes] = {}
        body = b""
        if media_type(request.headers.get("content-type", "").encode("latin-1")) in _FORMS:
            async with read_form(request, services_of(request).limits.body_bytes) as parts:
                form = {name: part.value() for name, part in parts.items()}
        else:
            body = await request.body()
        path = {name: str(value) for name, value in request.path_params.items()}
        return cls(path, dict(request.query_params), body, form, request)

    def json(self) -> Any:
        """The body as JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            raise Problem(400, "The body is not JSON.") from None

    @property
    def models_folder(self) -> Path:
        """Where downloaded weights, labels and pictures are."""
        return services_of(self._request).models_folder

    def task(self, name: str) -> TaskCard:
        """A task's declaration."""
        return asker_of(self._request).task(name)

    async def ask(self, task: str, inputs: Mapping[str, Any], model: str | None = None) -> dict[str, Any]:
        """Ask a model and give its outputs."""
        asker = asker_of(self._request)
        outcome = await asker.ask(self._question(task, inputs, model), receive=self._request.receive)
        if isinstance(outcome, Answered):
            return _outputs(outcome.outputs)
        return await self._outcome(outcome.job)

    async def _outcome(self, job: Job) -> dict[str, Any]:
        job = await asker_of(self._request).wait_for(job, services_of(self._request).limits.wait_s)
        if job.state is JobState.SUCCEEDED and job.outputs is not None:
            return _outputs(job.outputs)
        if job.state.is_final:
            raise refusal_of(job)
        raise CallTimeout(f"The model needs longer; the answer will be at /api/jobs/{job.id}.")

    async def submit(self, task: str, inputs: Mapping[str, Any], model: str | None = None) -> dict[str, Any]:
        """Leave the question with the desk and give the job."""
        job = await asker_of(self._request).submit(self._question(task, inputs, model))
        keep_visitor(self._request)
        return await self._shown(job)

    async def train(
        self, task: str, parameters: Mapping[str, Any] | None = None, model: str | None = None
    ) -> dict[str, Any]:
        """Train a model, wait for it, and give what came of it."""
        card = asker_of(self._request).task(task)
        chosen = trainable(card, model)
        owner = require(self._request, Action.TRAIN, card.name).owner
        checked = checked_parameters(chosen, msgspec.json.encode(parameters or {}))
        order = TrainOrder(owner=owner, task=card, model=chosen, parameters=checked)
        job = await in_thread(submit, services_of(self._request), order)
        return await self._outcome(job)

    async def waiting_files(self) -> list[dict[str, Any]]:
        """The uploaded spreadsheets of whoever asks that no job has processed yet."""
        owner = caller_of(self._request).owner
        found = await in_thread(services_of(self._request).files.unheld, owner, _SHEETS, _FILES_AT_ONCE)
        return [{"id": stored.id, "name": stored.name} for stored in found]

    async def process_file(
        self, task: str, file_id: str, model: str | None = None, format: str = "xlsx"
    ) -> dict[str, Any]:
        """Have every row of an uploaded file answered, and give the job."""
        services, asker = services_of(self._request), asker_of(self._request)
        card = asker.task(task)
        owner = require(self._request, Action.BATCH, card.name).owner
        stored = await in_thread(services.files.get, file_id)
        if stored.owner != owner:
            raise NotFound("There is no such file.")
        order = BatchOrder(owner=owner, task=card, model=asker.model(card, model), format=SheetFormat(format))
        return await self._shown(await in_thread(submit_stored, services, order, stored))

    async def job(self, job_id: str) -> dict[str, Any] | None:
        """A job of whoever asks, None if there is none of that id."""
        try:
            job = await readable_job(self._request, job_id)
        except (NotFound, NotSignedIn):
            return None
        return await self._shown(job)

    def _question(self, task: str, inputs: Mapping[str, Any], model: str | None) -> Question:
        asker = asker_of(self._request)
        card = asker.task(task)
        owner = require(self._request, Action.ASK, card.name).owner
        # As JSON, bytes become base64 text, which is how the codec takes them.
        decoded = asker.inputs(card).codec.decode_inputs(msgspec.json.encode(inputs))
        return Question(owner, card, asker.model(card, model), None, decoded)

    async def _shown(self, job: Job) -> dict[str, Any]:
        document = await in_thread(counted_job_document, services_of(self._request).desk, job)
        return cast("dict[str, Any]", msgspec.json.decode(msgspec.json.encode(document)))


def classic_routes(tasks: Mapping[str, TaskCard], own: Iterable[BaseRoute]) -> list[BaseRoute]:
    """The routes declared beside these tasks. None may take an address the product uses itself."""
    own = list(own)
    files = dict.fromkeys(card.routes for card in tasks.values() if card.routes is not None)
    by_path: dict[str, dict[str, RouteDeclaration]] = {}
    for file in files:
        for declaration in _load(Path(file)).declarations:
            _refuse_taken(declaration, file, own)
            by_path.setdefault(declaration.path, {})[declaration.method.upper()] = declaration
    return [_route(path, declarations) for path, declarations in by_path.items()]


def _load(file: Path) -> Routes:
    spec = importlib.util.spec_from_file_location(f"frontdesk_routes_{file.parent.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        raise DeclarationError(
            f"The routes could not be read: {type(error).__name__}: {error}.",
            "Mend the file.",
            str(file),
            line,
        ) from error
    routes = getattr(module, "routes", None)
    if not isinstance(routes, Routes):
        raise DeclarationError("There is no `routes` in it.", "Write `routes = fd.Routes()`.", str(file), 1)
    return routes


def _refuse_taken(declaration: RouteDeclaration, file: str, own: list[BaseRoute]) -> None:
    scope = {"type": "http", "method": declaration.method.upper(), "path": declaration.path, "root_path": ""}
    if any(route.matches(scope)[0] is not Match.NONE for route in own):
        raise DeclarationError(
            f"The route {declaration.path} is an address of frontdesk itself.", "Choose another path.", file
        )


def _route(path: str, declarations: Mapping[str, RouteDeclaration]) -> Route:
    async def answer(request: Request) -> Response:
        enter(request, Door.VISITORS)
        declaration = declarations["GET" if request.method == "HEAD" else request.method]
        return _response(await declaration.function(await ClassicRequest.read(request)))

    return Route(path, answer, methods=list(declarations))


def _response(returned: object) -> Response:
    if isinstance(returned, RouteResponse):
        body = returned.body
        if isinstance(body, str | bytes):
            return Response(body, returned.status, dict(returned.headers), returned.media_type)
        return json_response(body, returned.status, dict(returned.headers))
    if isinstance(returned, str):
        return Response(returned, media_type="text/plain")
    return json_response(returned)


def _outputs(raw: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.json.decode(raw))
