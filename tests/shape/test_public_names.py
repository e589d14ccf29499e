"""What `import frontdesk as fd` gives, and what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import frontdesk

HEAVY = {
    "numpy",
    "PIL",
    "sqlalchemy",
    "alembic",
    "starlette",
    "fastapi",
    "uvicorn",
    "jinja2",
    "click",
    "httpx",
    "onnxruntime",
}


def test_every_public_name_can_be_had() -> None:
    assert [name for name in frontdesk.__all__ if not hasattr(frontdesk, name)] == []


def test_public_names_are_listed_in_order_and_once() -> None:
    assert list(frontdesk.__all__) == sorted(set(frontdesk.__all__))


def test_every_public_name_is_in_the_reference(repository: Path) -> None:
    page = (repository / "docs" / "reference" / "declaring.md").read_text()
    assert [name for name in frontdesk.__all__ if f"`fd.{name}" not in page] == []


def test_importing_it_brings_nothing_heavy() -> None:
    program = "import sys, json, frontdesk; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {name.split(".")[0] for name in json.loads(done.stdout)} & HEAVY == set()
