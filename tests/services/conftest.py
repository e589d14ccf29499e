"""Which of these tests a run on another database repeats: all that do not choose their database themselves."""

from __future__ import annotations

import pytest

from support.databases import KIND

# They start PostgreSQL for several machines, or are about what has no database of ours.
CHOOSE_THEMSELVES = frozenset(
    {
        "test_clocks_apart",
        "test_containers",
        "test_ray",
        "test_ray_bucket",
        "test_ray_workers",
        "test_redis_replicas",
        "test_replicas",
        "test_two_machines",
    }
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was run with SQLite already and would be the same again."""
    if KIND == "sqlite":
        return
    again = [item for item in items if item.path.stem in CHOOSE_THEMSELVES]
    config.hook.pytest_deselected(items=again)
    items[:] = [item for item in items if item.path.stem not in CHOOSE_THEMSELVES]
