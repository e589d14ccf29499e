"""Every URL of the API is in the reference, and the reference names no other."""

from __future__ import annotations

import re
from pathlib import Path

from frontdesk.serve.routes import api_routes


def _documented(repository: Path) -> set[tuple[str, str]]:
    page = (repository / "docs" / "reference" / "http.md").read_text()
    return set(re.findall(r"^\| (GET|POST|PUT|DELETE|PATCH) (/\S*) \|", page, re.MULTILINE))


def _declared() -> set[tuple[str, str]]:
    return {
        (method, re.sub(r":\w+\}", "}", route.path))
        for route in api_routes()
        for method in (route.methods or set()) - {"HEAD"}
    }


def test_every_route_is_documented(repository: Path) -> None:
    assert sorted(_declared() - _documented(repository)) == []


def test_no_route_is_documented_that_does_not_exist(repository: Path) -> None:
    assert sorted(_documented(repository) - _declared()) == []
