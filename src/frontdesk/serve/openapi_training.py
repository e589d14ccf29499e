"""What OpenAPI says about trainings and versions."""

from __future__ import annotations

from frontdesk.declare.schema import parameters_schema
from frontdesk.declare.signature import TaskCard
from frontdesk.serve.openapi_paths import JOB_ID, MODEL, TASK, Json, json_content, operation, parameter

_NUMBER = parameter("n", "path", {"type": "integer", "minimum": 1})
_VERSION = "/api/tasks/{task}/models/{model}/versions"


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(name: str, description: str) -> Json:
    return {"200": {"description": description, "content": json_content(_ref(name))}}


def _file(media_type: str, description: str) -> Json:
    return {"200": {"description": description, "content": {media_type: {}}}}


def train_operation(card: TaskCard) -> Json:
    """POST /api/tasks/{task}/train of a task that has models to train."""
    models = [model for model in card.models if model.trains]
    body = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "parameters": {"anyOf": [parameters_schema(model.training) for model in models]},
            "model": {"enum": [model.name for model in models], "description": "The first if left out."},
            "data": {"type": "string", "format": "uuid", "description": "An uploaded file to learn from."},
            "seed": {
                "type": "integer",
                "minimum": 0,
                "maximum": 2**31 - 1,
                "description": "Drawn if left out.",
            },
        },
    }
    return operation(
        f"train_{card.name}",
        card.name,
        f"Train a model of {card.title}",
        parameters=[
            parameter(
                "Idempotency-Key",
                "header",
                {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
                "The same key and request give the same job.",
            )
        ],
        body={"required": True, "content": json_content(body)},
        responses={
            "202": {
                "description": "A ticket.",
                "headers": {"Location": {"schema": {"type": "string"}, "description": "The job's address."}},
                "content": json_content(_ref("JobDocument")),
            }
        },
        problems=(400, 401, 403, 409, 413, 422, 503),
    )


TRAINING_PATHS: Json = {
    _VERSION: {
        "get": operation(
            "list_versions", "versions", "The versions of a model, newest first", parameters=[TASK, MODEL],
            responses=_answer("VersionsDocument", "Versions."), problems=(404,),
        )
    },
    f"{_VERSION}/{{n}}": {
        "delete": operation(
            "remove_version", "versions", "Delete a version that is not live", parameters=[TASK, MODEL, _NUMBER],
            responses={"204": {"description": "Deleted."}}, problems=(401, 403, 404, 409),
        )
    },
    f"{_VERSION}/{{n}}/live": {
        "post": operation(
            "make_version_live", "versions", "Let a version answer", parameters=[TASK, MODEL, _NUMBER],
            responses=_answer("VersionDocument", "The version, live."), problems=(401, 403, 404, 503),
        )
    },
    f"{_VERSION}/{{n}}/download": {
        "get": operation(
            "download_version", "versions", "A version's files and model card", parameters=[TASK, MODEL, _NUMBER],
            responses=_file("application/zip", "The zip."), problems=(401, 403, 404),
        )
    },
    "/api/jobs/{id}/metrics": {
        "get": operation(
            "show_metrics", "jobs", "The curves of a training, thinned",
            parameters=[JOB_ID, parameter("points", "query", {"type": "integer", "minimum": 3, "maximum": 10_000})],
            responses=_answer("CurvesDocument", "The curves."), problems=(404, 422),
        )
    },
    "/api/jobs/{id}/metrics.csv": {
        "get": operation(
            "download_metrics", "jobs", "Every point a training reported", parameters=[JOB_ID],
            responses=_file("text/csv", "The points."), problems=(404,),
        )
    },
    "/api/jobs/{id}/log": {
        "get": operation(
            "show_training_log", "jobs", "The end of what a training printed", parameters=[JOB_ID],
            responses=_file("text/plain", "The log."), problems=(404,),
        )
    },
}  # fmt: skip
