"""What a model answered, as a terminal shows it."""

from __future__ import annotations

import json
from typing import Any

_TOP = 5


def readable(name: str, output: Any) -> str:
    """One output by its kind, which its members tell."""
    match output:
        case {"label": str(), "scores": list() as scores}:
            return "\n".join(f"{score['score']:7.1%}  {score['label']}" for score in scores[:_TOP])
        case {"value": _}:
            return f"{name}: {_value(output)}"
        case {"columns": list() as columns, "rows": list() as rows}:
            return _table(columns, rows)
        case {"media_type": str() as media_type, "base64": str() as text}:
            return f"{name}: {media_type}, {len(text) * 3 // 4} bytes (--json has it)"
        case str():
            return f"{name}: {output}"
    return f"{name}: {json.dumps(output, ensure_ascii=False)}"


def _value(output: dict[str, Any]) -> str:
    text = f"{output['value']:.6g}"
    if output.get("unit"):
        text += f" {output['unit']}"
    if interval := output.get("interval"):
        text += f" ({interval['low']:.6g} to {interval['high']:.6g} at {interval['level']:.0%})"
    return text


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    return "\n".join(
        "  ".join(f"{c:{w}}" for c, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )
