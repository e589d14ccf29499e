"""What becomes of a job that cannot be done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from frontdesk.errors import NotFound
from frontdesk.run.outcome import Failed
from frontdesk.run.predict import predict
from support.desks import open_office
from support.hosts import House


def failure(folder: Path, inputs: dict[str, Any], **asked: Any) -> tuple[str, str | None]:
    async def do() -> tuple[str, str | None]:
        with open_office(folder / "office") as office:
            office.submit(payload=msgspec.json.encode({"inputs": inputs}), **asked)
            async with House(folder / "house", "trouble.py") as house:
                outcome = await predict(office.take().job, house.client, office.files)
        assert isinstance(outcome, Failed)
        return outcome.failure.reason, outcome.failure.kind

    return asyncio.run(do())


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"task": "gone"}, "There is no model m of a task gone."),
        ({"task": "trouble", "model": "obedient", "version": 9}, "obedient has no version 9."),
    ],
)
def test_it_says_which_model_or_version_is_served_no_more(
    tmp_path: Path, asked: dict[str, Any], reason: str
) -> None:
    assert failure(tmp_path, {}, **asked) == (reason, NotFound.__name__)


def test_it_says_that_a_file_is_gone(tmp_path: Path) -> None:
    inputs = {"photo": {"file": "01a1fb6c-1781-7196-be6a-62043766113b"}}
    assert failure(tmp_path, inputs, task="trouble") == (
        "A file this job needs is gone.",
        NotFound.__name__,
    )
