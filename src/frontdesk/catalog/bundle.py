"""A version to take away: its files and a model card, as one zip that is made while it is sent."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from frontdesk.catalog.version import VersionRecord
from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.store.zips import zipped


def bundle(task: TaskCard, model: ModelCard, version: VersionRecord, folder: Path) -> Iterator[bytes]:
    """The zip of a version, whose files are in this folder, in pieces. Links lead nowhere and are left out."""

    def members() -> Iterator[tuple[str, IO[bytes]]]:
        yield "MODEL_CARD.md", io.BytesIO(model_card(task, model, version).encode())
        for path in sorted(folder.rglob("*")):
            if not path.is_symlink() and path.is_file():
                yield f"artifacts/{path.relative_to(folder)}", path.open("rb")

    return zipped(members())


def model_card(task: TaskCard, model: ModelCard, version: VersionRecord) -> str:
    """What a version is and what it was made of, in Markdown."""
    origin = version.origin
    parts = [
        f"# {task.title}: {model.title}, version {version.number}",
        model.description or task.description,
        "## What it measured on held-out data",
        _table("metric", version.metrics),
        "## Parameters",
        _table("parameter", version.parameters),
        "## How it was made",
        _table(
            "",
            {
                "trained": f"{version.created_at:%Y-%m-%d %H:%M} UTC",
                "by": origin.owner or "the server, at its first start",
                "took": f"{origin.duration_s:.1f} s",
                "seed": origin.seed,
                "data": origin.data or "the author's own",
                "data, SHA-256": origin.data_sha256 or "not known",
                "code, SHA-256": origin.code_sha256 or "not known",
                "training": version.job or "none",
            },
        ),
        *(["It was cancelled, and keeps what it had learned by then."] if origin.was_cancelled else []),
        "## Libraries",
        _table("library", origin.libraries),
        "## Inputs",
        _table("input", {field.name: field.kind.__struct_config__.tag for field in task.signature.inputs}),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(name: str, values: Any) -> str:
    if not values:
        return "None."
    rows = [f"| {key} | {_cell(value)} |" for key, value in values.items()]
    return "\n".join([f"| {name} | |", "|---|---|", *rows])


def _cell(value: Any) -> str:
    if isinstance(value, dict) and "counts" in value:
        rows = zip(value["labels"], value["counts"], strict=True)
        return "; ".join(f"{label}: {', '.join(map(str, counts))}" for label, counts in rows)
    text = f"{value:.6g}" if isinstance(value, float) else "–" if value is None else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
