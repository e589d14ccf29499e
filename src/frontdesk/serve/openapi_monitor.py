"""What OpenAPI says about feedback and about watching models."""

from __future__ import annotations

import msgspec

from frontdesk.monitor.figures import Figures, Span
from frontdesk.serve.api.feedback import FeedbackDocument, FeedbackRequest
from frontdesk.serve.api.monitor import DeletedDocument
from frontdesk.serve.openapi_paths import TASK, Json, answer, json_content, operation, parameter

MONITOR_DOCUMENTS: tuple[type[msgspec.Struct], ...] = (
    FeedbackRequest, FeedbackDocument, Figures, DeletedDocument,
)  # fmt: skip

_PREDICTION = parameter(
    "id", "path", {"type": "string", "format": "uuid"}, "The id that came with the answer."
)
_WHICH = (
    parameter("model", "query", {"type": "string"}, "Of this model only."),
    parameter("version", "query", {"type": "integer", "minimum": 0}, "Of this version only."),
)
_FORMAT = parameter("format", "query", {"enum": ["csv", "parquet"], "default": "csv"})
_SPAN = parameter("span", "query", {"enum": list(Span), "default": "day"})

MONITOR_PATHS: Json = {
    "/api/predictions/{id}/feedback": {
        "get": operation(
            "show_feedback", "monitor", "What you said of a prediction", parameters=[_PREDICTION],
            responses=answer("FeedbackDocument", "The feedback."), problems=(401, 404),
        ),
        "post": operation(
            "give_feedback", "monitor", "Say whether an answer was right, and what it should have been",
            parameters=[_PREDICTION],
            body={"required": True, "content": json_content({"$ref": "#/components/schemas/FeedbackRequest"})},
            responses=answer("FeedbackDocument", "The feedback, kept."), problems=(400, 401, 403, 404, 413, 422, 503),
        ),
    },
    "/api/tasks/{task}/monitor": {
        "get": operation(
            "show_figures", "monitor", "How the models of a task are doing", parameters=[TASK, _SPAN, *_WHICH],
            responses=answer("Figures", "Counts, times, answers, feedback and drift."), problems=(401, 403, 404, 422),
        )
    },
    "/api/tasks/{task}/collected": {
        "get": operation(
            "download_collected", "monitor", "The questions that were kept, with what was answered and what is true",
            parameters=[TASK, _FORMAT, *_WHICH],
            responses={"200": {
                "description": "The data set.",
                "content": {"text/csv": {}, "application/vnd.apache.parquet": {}},
            }},
            problems=(401, 403, 404, 422),
        ),
        "delete": operation(
            "delete_collected", "monitor", "Delete the questions that were kept", parameters=[TASK],
            responses=answer("DeletedDocument", "They are gone."), problems=(401, 403, 404, 503),
        ),
    },
    "/api/tasks/{task}/collected/file": {
        "post": operation(
            "keep_collected", "monitor", "Make a file to learn from, of the questions whose true answer is known",
            parameters=[TASK], responses=answer("FileDocument", "The file.", "201"),
            problems=(401, 403, 404, 409, 413, 503),
        )
    },
}  # fmt: skip
