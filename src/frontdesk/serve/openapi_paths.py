"""What OpenAPI says about the routes that are the same for every task."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from frontdesk.desk.job import JobState, Lane
from frontdesk.desk.listing import LONGEST_SEARCH, JobSort

Json = dict[str, Any]


def json_content(schema: Json) -> Json:
    """A JSON body of this schema."""
    return {"application/json": {"schema": schema}}


def parameter(name: str, place: str, schema: Json, description: str = "") -> Json:
    """One parameter; those in the path are required."""
    return {
        "name": name, "in": place, "schema": schema, "required": place == "path",
        **({"description": description} if description else {}),
    }  # fmt: skip


def operation(
    operation_id: str,
    tag: str,
    summary: str,
    *,
    description: str = "",
    parameters: Sequence[Json] = (),
    body: Json | None = None,
    responses: Json,
    problems: Sequence[int] = (),
) -> Json:
    """One operation with its answers and, by status, its problems."""
    answers: Json = dict(responses)
    for status in problems:
        answers[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
            },
        }
    return {
        "operationId": operation_id,
        "tags": [tag],
        "summary": summary,
        **({"description": description} if description else {}),
        **({"parameters": list(parameters)} if parameters else {}),
        **({"requestBody": body} if body else {}),
        "responses": answers,
    }


def answer(name: str, description: str, status: str = "200") -> Json:
    """A document as the answer of an operation."""
    return {
        status: {
            "description": description,
            "content": json_content({"$ref": f"#/components/schemas/{name}"}),
        }
    }


def _list_of(name: str) -> Json:
    items = {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {"items": items, "next": {"type": ["string", "null"]}},
    }


def _bytes(description: str, *, or_json: bool = False) -> Json:
    content: Json = {"application/octet-stream": {}} | ({"application/json": {}} if or_json else {})
    return {"200": {"description": description, "content": content}}


def _text(description: str) -> Json:
    return {"200": {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}}


def _events(description: str) -> Json:
    return {
        "200": {"description": description, "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    }


JOB_ID = parameter("id", "path", {"type": "string", "format": "uuid"})
_FILE_ID = parameter("id", "path", {"type": "string", "format": "uuid"})
TASK = parameter("task", "path", {"type": "string"})
MODEL = parameter("model", "path", {"type": "string"})
PAGING = (
    parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
    parameter("cursor", "query", {"type": "string"}, "`next` of the page before."),
)
KEY = parameter(
    "Idempotency-Key",
    "header",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "The same key and request give the same job.",
)
_SEARCH = {"type": "string", "maxLength": LONGEST_SEARCH}
OWNER = parameter("owner", "query", {"type": "string"}, "For administrators: an id or e-mail; * for all.")
_RESUME = (
    parameter("Last-Event-ID", "header", {"type": "integer"}, "Continue after this event."),
    parameter("after", "query", {"type": "integer"}, "The same, for the first connection."),
)


def _job_verb(verb: str, summary: str) -> Json:
    return {
        "post": operation(
            f"{verb}_job", "jobs", summary, parameters=[JOB_ID],
            responses=answer("JobDocument", "The job as it is now."), problems=(404, 409),
        )
    }  # fmt: skip


SHARED_PATHS: Json = {
    "/api/tasks": {
        "get": operation(
            "list_tasks", "tasks", "All tasks",
            responses={"200": {"description": "Tasks.", "content": json_content(_list_of("TaskDocument"))}},
        )
    },
    "/api/tasks/{task}": {
        "get": operation(
            "show_task", "tasks", "One task with its schemas", parameters=[TASK],
            responses=answer("TaskDocument", "The task."), problems=(404,),
        )
    },
    "/api/jobs": {
        "get": operation(
            "list_jobs", "jobs", "Own jobs",
            parameters=[
                parameter("state", "query", {"enum": [str(state) for state in JobState]}),
                parameter("task", "query", {"type": "string"}),
                parameter("kind", "query", {"enum": [str(lane) for lane in Lane]}),
                parameter("archived", "query", {"type": "boolean"}),
                OWNER,
                parameter("search", "query", _SEARCH, "A part of the name, or an id."),
                parameter("sort", "query", {"enum": [str(sort) for sort in JobSort], "default": "newest"}),
                *PAGING,
            ],
            responses=answer("JobsDocument", "One page of jobs."), problems=(422,),
        )
    },
    "/api/jobs/{id}": {
        "get": operation(
            "show_job", "jobs", "One job",
            parameters=[JOB_ID, parameter("wait", "query", {"type": "number"}, "Seconds to wait for its end.")],
            responses=answer("JobDocument", "The job."), problems=(404, 422),
        ),
        "delete": operation(
            "remove_job", "jobs", "Remove a job that is over", parameters=[JOB_ID],
            responses={"204": {"description": "Removed."}}, problems=(404, 409),
        ),
    },
    "/api/jobs/{id}/cancel": _job_verb("cancel", "Cancel a job; if it runs, its work is ended"),
    "/api/jobs/{id}/retry": _job_verb("retry", "Try a failed or cancelled job again"),
    "/api/jobs/{id}/again": {
        "post": operation(
            "job_again", "jobs", "The same input once more, for another model or version", parameters=[JOB_ID, KEY],
            body={"required": False, "content": json_content({"$ref": "#/components/schemas/Again"})},
            responses=answer("JobDocument", "A new job.", "202"), problems=(400, 401, 403, 404, 409, 422, 429),
        )
    },
    "/api/jobs/{id}/archive": _job_verb("archive", "Put a job out of sight"),
    "/api/jobs/{id}/unarchive": _job_verb("unarchive", "Bring an archived job back"),
    "/api/jobs/{id}/input": {
        "get": operation(
            "show_job_input", "jobs", "What the job was made from", parameters=[JOB_ID],
            responses=_bytes("The file, or the inputs as JSON.", or_json=True), problems=(404,),
        )
    },
    "/api/jobs/{id}/result": {
        "get": operation(
            "show_job_result", "jobs", "What came of the job", parameters=[JOB_ID],
            responses=_bytes("The file, or the outputs as JSON.", or_json=True), problems=(404, 409),
        )
    },
    "/api/jobs/{id}/events": {
        "get": operation(
            "job_events", "jobs", "Events of one job as they happen", parameters=[JOB_ID, *_RESUME],
            responses=_events("Events, each an EventDocument; `end` when the job is over."), problems=(400, 404),
        )
    },
    "/api/events": {
        "get": operation(
            "all_events", "jobs", "Events of all own jobs as they happen", parameters=[*_RESUME],
            responses=_events("Events, each an EventDocument."), problems=(400,),
        )
    },
    "/api/files": {
        "post": operation(
            "upload_file", "files", "Upload a file",
            body={
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object", "required": ["file"], "additionalProperties": False,
                            "properties": {"file": {"type": "string", "format": "binary"}},
                        }
                    }
                },
            },
            responses=answer("FileDocument", "The stored file.", "201"), problems=(400, 413, 415, 422),
        )
    },
    "/api/files/{id}": {
        "get": operation(
            "download_file", "files", "Download a file", parameters=[_FILE_ID],
            responses=_bytes("Its content."), problems=(404,),
        ),
        "delete": operation(
            "remove_file", "files", "Remove a file", parameters=[_FILE_ID],
            responses={"204": {"description": "Removed."}}, problems=(404, 409),
        ),
    },
    "/api/hosts": {
        "get": operation(
            "list_hosts", "operations", "The processes that have models loaded",
            responses={"200": {"description": "Hosts.", "content": json_content(_list_of("HostStatus"))}},
            problems=(503,),
        )
    },
    "/api/tasks/{task}/models/{model}/restart": {
        "post": operation(
            "restart_host", "operations", "Try a broken or running model afresh", parameters=[TASK, MODEL],
            responses={"204": {"description": "It is tried."}}, problems=(404, 503),
        )
    },
    "/api/tasks/{task}/models/{model}/log": {
        "get": operation(
            "host_log", "operations", "The end of what a model's code printed", parameters=[TASK, MODEL],
            responses=_text("The end of the log."),
            problems=(404, 503),
        )
    },
    "/livez": {
        "get": operation("livez", "operations", "This process answers", responses={"200": {"description": "It does."}})
    },
    "/readyz": {
        "get": operation(
            "readyz", "operations", "The server can do its work",
            responses={"200": {"description": "It can."}, "503": {"description": "It cannot; the body says why."}},
        )
    },
    "/metrics": {
        "get": operation(
            "metrics", "operations", "Figures for Prometheus",
            responses=_text("The exposition."),
        )
    },
}  # fmt: skip
