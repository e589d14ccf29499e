"""What the schema tells a reader beside what it allows (see test_agreement.py for that)."""

from __future__ import annotations

from frontdesk.declare.kinds import Choice, Field, File, Integer, Number, Text
from frontdesk.declare.schema import inputs_schema, parameters_schema


def test_it_tells_titles_help_units_and_defaults() -> None:
    fields = (
        Field(
            name="length",
            kind=Number(title="Length", help="In all.", ge=0, lt=10, unit="cm"),
            required=False,
            default=5.0,
        ),
        Field(name="note", kind=Text(max_length=5, pattern="a+"), nullable=True),
    )
    assert inputs_schema(fields) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["note"],
        "properties": {
            "length": {
                "title": "Length",
                "description": "In all.",
                "type": "number",
                "format": "double",
                "minimum": 0,
                "exclusiveMaximum": 10,
                "x-unit": "cm",
                "default": 5.0,
            },
            "note": {
                "anyOf": [
                    {"type": "string", "maxLength": 5, "pattern": r"^(?:a+)$(?!\n)"},
                    {"type": "null"},
                ]
            },
        },
    }


def test_a_default_of_null_is_told() -> None:
    field = Field(name="x", kind=Choice(options=("a",)), required=False, nullable=True)
    schema = inputs_schema([field])["properties"]["x"]
    assert schema["default"] is None
    assert schema["anyOf"][0] == {"type": "string", "enum": ["a"]}


def test_a_file_tells_its_limit_and_endings() -> None:
    schema = inputs_schema([Field(name="x", kind=File(max_bytes=10, accept=(".wav",)))])["properties"]["x"]
    assert schema["x-accept"] == [".wav"]
    assert schema["anyOf"][0]["x-max-bytes"] == 10


def test_training_parameters_have_a_schema_too() -> None:
    field = Field(name="epochs", kind=Integer(ge=1), required=False, default=10)
    schema = parameters_schema((field,))
    assert schema["properties"]["epochs"]["minimum"] == 1
    assert "required" not in schema
