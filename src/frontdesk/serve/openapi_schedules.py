"""What OpenAPI says about schedules."""

from __future__ import annotations

import msgspec

from frontdesk.serve.api.schedules import (
    NewSchedule,
    PreviewDocument,
    RunDocument,
    ScheduleChange,
    ScheduleDocument,
    SchedulesDocument,
)
from frontdesk.serve.openapi_paths import OWNER, Json, answer, json_content, operation, parameter

SCHEDULE_DOCUMENTS: tuple[type[msgspec.Struct], ...] = (
    NewSchedule, ScheduleChange, ScheduleDocument, SchedulesDocument, RunDocument, PreviewDocument,
)  # fmt: skip

_ID = parameter("id", "path", {"type": "string", "format": "uuid"})
_CHANGING = (400, 401, 403, 413, 415, 422)


def _body(name: str) -> Json:
    return {"required": True, "content": json_content({"$ref": f"#/components/schemas/{name}"})}


SCHEDULE_PATHS: Json = {
    "/api/schedules": {
        "get": operation(
            "list_schedules", "schedules", "Own schedules",
            parameters=[OWNER],
            responses=answer("SchedulesDocument", "Schedules, by name."), problems=(401, 403),
        ),
        "post": operation(
            "add_schedule", "schedules", "Do something by the clock", body=_body("NewSchedule"),
            responses=answer("ScheduleDocument", "The schedule.", "201"), problems=(*_CHANGING, 404, 409),
        ),
    },
    "/api/schedules/preview": {
        "get": operation(
            "preview_schedule", "schedules", "A cron line in words, and when it comes next",
            parameters=[parameter("cron", "query", {"type": "string"}), parameter("zone", "query", {"type": "string"})],
            responses=answer("PreviewDocument", "The next times."), problems=(401, 422),
        )
    },
    "/api/schedules/{id}": {
        "get": operation(
            "show_schedule", "schedules", "One schedule", parameters=[_ID],
            responses=answer("ScheduleDocument", "The schedule."), problems=(401, 404),
        ),
        "patch": operation(
            "change_schedule", "schedules", "Change name and times, pause or resume", parameters=[_ID],
            body=_body("ScheduleChange"), responses=answer("ScheduleDocument", "The schedule as it is now."),
            problems=(*_CHANGING, 404),
        ),
        "delete": operation(
            "remove_schedule", "schedules", "Remove a schedule; its jobs stay", parameters=[_ID],
            responses={"204": {"description": "Removed."}}, problems=(401, 404),
        ),
    },
    "/api/schedules/{id}/run": {
        "post": operation(
            "run_schedule", "schedules", "Run it now, paused or not", parameters=[_ID],
            responses=answer("RunDocument", "What it made.", "202"), problems=(401, 404),
        )
    },
}  # fmt: skip
