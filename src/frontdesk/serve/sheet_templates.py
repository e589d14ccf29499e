"""A spreadsheet to be filled in: the columns of a task, an example row, and what may stand where."""

from __future__ import annotations

import csv
import io

from frontdesk.declare.columns import allowed, example
from frontdesk.declare.kinds import Choice, Field, Integer, Number
from frontdesk.declare.signature import TaskCard
from frontdesk.store.sheets.formats import SheetFormat

_LIST_LIMIT = 250  # characters of a list to choose from, by Excel


def template(card: TaskCard, kind: SheetFormat) -> bytes:
    """The file, with one example row."""
    fields = card.signature.inputs
    row = {field.name: example(field) for field in fields}
    if kind is SheetFormat.CSV:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
        return text.getvalue().encode()
    return _workbook(fields, row)


def _workbook(fields: tuple[Field, ...], row: dict[str, str]) -> bytes:
    from rustpy_xlsxwriter import write_worksheets  # only needed here, and not by most requests

    content = io.BytesIO()
    typed = {field.name: _typed(field, row[field.name]) for field in fields}
    rules = {field.name: rule for field in fields if (rule := _rule(field))}
    about = [
        {"column": field.name, "holds": allowed(field), "example": row[field.name], "about": field.kind.help}
        for field in fields
    ]
    write_worksheets(
        [("Rows", [typed]), ("Columns", about)],
        content,
        freeze_panes={"general": {"row": 1, "col": 0}},
        bold_headers=True,
        autofit=True,
        notes={"Rows": {field.name: allowed(field) for field in fields}},
        data_validations={"Rows": rules} if rules else None,
    )
    return content.getvalue()


def _typed(field: Field, text: str) -> float | str:
    return float(text) if isinstance(field.kind, Number | Integer) else text


def _rule(field: Field) -> dict[str, object] | None:
    """What Excel itself should accept in this column."""
    match field.kind:
        case Choice(options=options) if len(",".join(options)) <= _LIST_LIMIT:
            return {"type": "list", "values": list(options)}
        case Integer(ge=low, le=high) if low is not None and high is not None:
            return {"type": "whole_number", "criteria": "between", "min": low, "max": high}
        case Number(ge=low, le=high) if low is not None and high is not None:
            return {"type": "decimal", "criteria": "between", "min": low, "max": high}
    return None
