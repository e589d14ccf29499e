"""What OpenAPI says about workers."""

from __future__ import annotations

import msgspec

from frontdesk.serve.api.workers import WISHES, WorkerDocument, WorkersDocument
from frontdesk.serve.openapi_paths import Json, answer, operation, parameter

WORKER_DOCUMENTS: tuple[type[msgspec.Struct], ...] = (WorkerDocument, WorkersDocument)

_NAME = parameter("name", "path", {"type": "string"})
_VERB = parameter("verb", "path", {"enum": [*WISHES]})

WORKER_PATHS: Json = {
    "/api/workers": {
        "get": operation(
            "list_workers", "operations", "Who does jobs, and what waits for them",
            responses=answer("WorkersDocument", "Workers, the oldest first."), problems=(401, 403),
        )
    },
    "/api/workers/{name}/{verb}": {
        "post": operation(
            "change_worker", "operations", "Have a worker drain, take jobs again, or drain and leave",
            description="It hears of it with its next sign of life, a few seconds later.",
            parameters=[_NAME, _VERB], responses=answer("WorkerDocument", "The worker, with the wish.", "202"),
            problems=(401, 403, 404, 409),
        )
    },
}  # fmt: skip
