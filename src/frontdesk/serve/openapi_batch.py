"""What OpenAPI says about batch files."""

from __future__ import annotations

from frontdesk.declare.signature import TaskCard
from frontdesk.serve.openapi_paths import KEY, Json, json_content, operation, parameter
from frontdesk.store.sheets.formats import SheetFormat

_TEMPLATES = [SheetFormat.XLSX, SheetFormat.CSV]


def batch_paths(card: TaskCard) -> Json:
    """The paths of a task whose questions can stand in rows."""
    models = [model.name for model in card.models]
    form = {
        "type": "object",
        "additionalProperties": False,
        "required": ["file"],
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "description": "CSV, Excel or Parquet, with a header.",
            },
            "model": {"enum": models, "description": "The default model if left out."},
            "version": {"type": "integer", "minimum": 1, "description": "The live one if left out."},
            "format": {"enum": [kind.value for kind in SheetFormat], "default": "xlsx"},
            "strict": {"type": "boolean", "description": "Fail at the first row that cannot be answered."},
        },
    }
    ticket = {
        "description": "A ticket.",
        "headers": {"Location": {"schema": {"type": "string"}, "description": "The job's address."}},
        "content": json_content({"$ref": "#/components/schemas/JobDocument"}),
    }
    batch = operation(
        f"batch_{card.name}", card.name, f"Ask {card.title} for every row of a file", parameters=[KEY],
        description="Each column that is missing, duplicated or mistyped is named before there is a job.",
        body={"required": True, "content": {"multipart/form-data": {"schema": form}}},
        responses={"202": ticket}, problems=(400, 401, 403, 409, 413, 415, 422, 503),
    )  # fmt: skip
    template = operation(
        f"template_{card.name}", card.name, f"A file for {card.title} to be filled in",
        parameters=[parameter("format", "query", {"enum": [kind.value for kind in _TEMPLATES]}, "xlsx if left out")],
        responses={"200": {"description": "The file.", "content": {kind.media_type: {} for kind in _TEMPLATES}}},
        problems=(401, 403, 422),
    )  # fmt: skip
    return {
        f"/api/tasks/{card.name}/batch": {"post": batch},
        f"/api/tasks/{card.name}/template": {"get": template},
    }
