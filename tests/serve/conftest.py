"""One real server for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.web import Web

SHOP = Path(__file__).parent / "shop"


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A web process, hosts and, inside `with web.working()`, a worker."""
    web = Web(tmp_path_factory.mktemp("web"), SHOP)
    yield web
    web.close()


@pytest.fixture
def other_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Another one, to be stopped."""
    web = Web(tmp_path_factory.mktemp("other"), SHOP)
    yield web
    web.close()
