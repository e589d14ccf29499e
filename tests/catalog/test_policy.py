"""When a version goes live by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from frontdesk.catalog.policy import is_better
from frontdesk.catalog.version import implicit_version


def measured(**metrics: Any) -> Any:
    return replace(implicit_version("t", "m"), metrics=metrics)


@pytest.mark.parametrize(
    ("policy", "new", "live", "better"),
    [
        ("by hand", {"accuracy": 0.9}, {"accuracy": 0.1}, False),
        ("higher accuracy", {"accuracy": 0.9}, {"accuracy": 0.8}, True),
        ("higher accuracy", {"accuracy": 0.8}, {"accuracy": 0.8}, False),
        ("lower loss", {"loss": 0.1}, {"loss": 0.2}, True),
        ("lower loss", {"loss": 0.3}, {"loss": 0.2}, False),
        ("higher accuracy", {"accuracy": 0.1}, {}, True),
        ("higher accuracy", {}, {"accuracy": 0.8}, False),
        ("higher accuracy", {"accuracy": None}, {"accuracy": 0.8}, False),
        ("higher accuracy", {"accuracy": {"labels": [], "counts": []}}, {}, False),
    ],
)
def test_it_goes_live_when_better(policy: str, new: Any, live: Any, better: bool) -> None:
    assert is_better(policy, measured(**new), measured(**live)) is better


def test_the_first_one_is_better_than_none() -> None:
    assert is_better("higher accuracy", measured(accuracy=0.1), None)
