"""What every test may ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.databases import DATABASES
from support.servers.objects import ObjectServer

REPOSITORY = Path(__file__).resolve().parent.parent

# How long an example takes says more of who else uses the machine than of us.
settings.register_profile("whoever is beside us", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("whoever is beside us")


@pytest.fixture(scope="session", autouse=True)
def databases() -> Iterator[None]:
    """What the run starts of a database server ends with it."""
    yield
    DATABASES.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Real weights, photos and hostile files, which are too large or too odd to keep in the repository."""
    folder = Path(os.environ.get("FRONTDESK_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "models").is_dir():
        pytest.skip(f"there is no test data in {folder}; FRONTDESK_TEST_DATA names another folder")
    return folder.resolve()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser that Playwright drives."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("there is no Chromium on this machine; scripts/system.sh installs it")


@pytest.fixture(scope="session")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """An S3 server for all tests of a session; each makes a bucket of its own."""
    with ObjectServer(tmp_path_factory.mktemp("objects")) as server:
        yield server
