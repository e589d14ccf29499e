"""The OpenAPI 3.1 document, made from the same structs and signatures that answer requests.

Every task has path entries of its own, with its real schemas, so that a client generated from this
document knows each task's inputs by name and type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

import frontdesk.serve.api.documents as documents
from frontdesk.declare.columns import takes_rows
from frontdesk.declare.kinds import BINARY_KINDS, Series, Table
from frontdesk.declare.schema import inputs_schema, outputs_schema
from frontdesk.declare.signature import TaskCard
from frontdesk.host.messages import HostStatus
from frontdesk.serve.again import Again
from frontdesk.serve.api.train import CurvesDocument
from frontdesk.serve.api.versions import VersionsDocument
from frontdesk.serve.live import EventDocument
from frontdesk.serve.openapi_access import ACCESS_DOCUMENTS, ACCESS_PATHS, SECURITY_SCHEMES
from frontdesk.serve.openapi_batch import batch_paths
from frontdesk.serve.openapi_monitor import MONITOR_DOCUMENTS, MONITOR_PATHS
from frontdesk.serve.openapi_paths import SHARED_PATHS, Json, json_content, operation, parameter
from frontdesk.serve.openapi_schedules import SCHEDULE_DOCUMENTS, SCHEDULE_PATHS
from frontdesk.serve.openapi_telling import TELLING_DOCUMENTS, TELLING_PATHS
from frontdesk.serve.openapi_training import TRAINING_PATHS, train_operation
from frontdesk.serve.openapi_workers import WORKER_DOCUMENTS, WORKER_PATHS
from frontdesk.serve.problems import ProblemDocument

_DOCUMENTS = (
    documents.TaskDocument,
    documents.JobDocument,
    documents.JobsDocument,
    documents.FileDocument,
    VersionsDocument,
    CurvesDocument,
    *ACCESS_DOCUMENTS,
    *TELLING_DOCUMENTS,
    *SCHEDULE_DOCUMENTS,
    *WORKER_DOCUMENTS,
    *MONITOR_DOCUMENTS,
    Again,
    ProblemDocument,
    EventDocument,
    HostStatus,
)


@dataclass(frozen=True, slots=True)
class OpenApi:
    """The document, written once, and what changes when it does."""

    content: bytes
    etag: str


def openapi_document(tasks: Mapping[str, TaskCard]) -> OpenApi:
    """Describe the API of these tasks."""
    content = msgspec.json.encode(describe(tasks))
    return OpenApi(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def describe(tasks: Mapping[str, TaskCard]) -> Json:
    """The document as plain data."""
    _, components = msgspec.json.schema_components(_DOCUMENTS, ref_template="#/components/schemas/{name}")
    schemas: Json = dict(components)
    paths: Json = (
        SHARED_PATHS
        | TRAINING_PATHS
        | ACCESS_PATHS
        | TELLING_PATHS
        | SCHEDULE_PATHS
        | WORKER_PATHS
        | MONITOR_PATHS
    )
    for card in tasks.values():
        names = _Names(card.name)
        schemas[names.inputs] = inputs_schema(card.signature.inputs)
        schemas[names.outputs] = outputs_schema(card.signature.outputs)
        paths[f"/api/tasks/{card.name}/predict"] = {"post": _predict(card, names)}
        if takes_rows(card.signature):
            paths |= batch_paths(card)
        if any(model.trains for model in card.models):
            paths[f"/api/tasks/{card.name}/train"] = {"post": train_operation(card)}
        paths[f"/api/tasks/{card.name}/compare"] = {"post": _compare(card, names)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "frontdesk",
            "version": "1",
            "description": "Ask models, now or by ticket. Errors are RFC 9457 problem documents.",
        },
        "tags": [
            *({"name": card.name, "description": card.description or card.title} for card in tasks.values()),
            {"name": "tasks"}, {"name": "jobs"}, {"name": "files"}, {"name": "versions"}, {"name": "operations"},
            {"name": "access"}, {"name": "notices"}, {"name": "schedules"}, {"name": "monitor"},
        ],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY_SCHEMES},
        # The empty one: what is public, and all of a server without sign-in, needs none.
        "security": [{"token": []}, {"session": []}, {}],
    }  # fmt: skip


class _Names:
    def __init__(self, task: str) -> None:
        self.inputs, self.outputs = f"{task}.inputs", f"{task}.outputs"


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _predict(card: TaskCard, names: _Names) -> Json:
    answer = {
        "type": "object",
        "required": ["id", "model", "version", "outputs"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "model": {"enum": [model.name for model in card.models]},
            "version": {"type": "integer"},
            "outputs": _ref(names.outputs),
            "cached": {"const": True, "description": "Given before to the same inputs; no model was asked."},
        },
    }
    return operation(
        f"predict_{card.name}",
        card.name,
        f"Ask {card.title}",
        description="`Prefer: respond-async` gives a ticket at once; `Prefer: wait=N` waits N seconds for the answer. "
        "What takes longer than the server lets anybody wait becomes a ticket too.",
        parameters=[
            parameter("Prefer", "header", {"type": "string"}, "respond-async, wait=N (RFC 7240)"),
            parameter(
                "Idempotency-Key",
                "header",
                {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
                "The same key and request give the same job.",
            ),
        ],
        body=_body(card, names, with_model=True),
        responses={
            "200": {"description": "The answer.", "content": json_content(answer)},
            "202": {
                "description": "A ticket.",
                "headers": {
                    "Location": {"schema": {"type": "string"}, "description": "The job's address."},
                    "Retry-After": {"schema": {"type": "integer"}},
                    "Preference-Applied": {"schema": {"type": "string"}},
                },
                "content": json_content(_ref("JobDocument")),
            },
        },
        problems=(400, 409, 413, 415, 422, 500, 503, 504),
    )


def _compare(card: TaskCard, names: _Names) -> Json:
    answer = {
        "type": "object",
        "required": ["model"],
        "properties": {
            "model": {"enum": [model.name for model in card.models]},
            "id": {"type": "string", "format": "uuid"},
            "version": {"type": "integer"},
            "outputs": _ref(names.outputs),
            "cached": {"const": True, "description": "Given before to the same inputs; no model was asked."},
            "job": _ref("JobDocument"),
            "problem": _ref("ProblemDocument"),
        },
    }
    document = {
        "type": "object",
        "required": ["answers"],
        "properties": {"answers": {"type": "array", "items": answer}},
    }
    return operation(
        f"compare_{card.name}",
        card.name,
        f"Ask every model of {card.title}",
        body=_body(card, names, with_model=False),
        responses={
            "200": {
                "description": "An answer, a job or a problem for each model.",
                "content": json_content(document),
            }
        },
        problems=(400, 413, 415, 422),
    )


def _body(card: TaskCard, names: _Names, *, with_model: bool) -> Json:
    choice: Json = {
        "model": {
            "enum": [model.name for model in card.models],
            "description": "The default model if left out.",
        },
        "version": {
            "type": "integer",
            "minimum": 1,
            "maximum": 2**31 - 1,
            "description": "The live version if left out.",
        },
    }
    properties: Json = {"inputs": _ref(names.inputs), **(choice if with_model else {})}
    body: Json = {"type": "object", "additionalProperties": False, "properties": properties}
    if any(field.required for field in card.signature.inputs):
        body["required"] = ["inputs"]
    return {
        "required": True,
        "content": {
            **json_content(body),
            "multipart/form-data": {
                "schema": _form(card, choice if with_model else {}),
                "encoding": {
                    field.name: {"contentType": "application/json"}
                    for field in card.signature.inputs
                    if isinstance(field.kind, Series | Table)
                },
            },
        },
    }


def _form(card: TaskCard, choice: Json) -> Json:
    """One part for each input: text, JSON for lists and tables, bytes for files."""
    schema = inputs_schema(card.signature.inputs)
    properties: Json = dict(choice)
    for field in card.signature.inputs:
        if isinstance(field.kind, BINARY_KINDS):
            properties[field.name] = {
                "type": "string",
                "format": "binary",
                "contentMediaType": "application/octet-stream",
            }
        else:
            properties[field.name] = schema["properties"][field.name]
    required = [field.name for field in card.signature.inputs if field.required]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": required} if required else {}),
    }
