"""What becomes of a version that a training has made."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from frontdesk.catalog.version import VersionRecord
from frontdesk.declare.signature import ModelCard
from frontdesk.errors import FrontdeskError, HostUnreachable, ModelBroken
from frontdesk.run.outcome import Finished, Outcome, Released
from frontdesk.run.train import Trainer

MODEL = ModelCard(name="m", title="M", goes_live="higher accuracy")
BETTER = VersionRecord(
    task="t", model="m", number=2, folder=Path(), metrics={"accuracy": 0.9}, parameters={},
    created_at=datetime.now(UTC), is_live=False,
)  # fmt: skip


def after(trouble: FrontdeskError) -> Outcome:
    """What its job comes to where asking for it meets this."""

    async def warm(*_: Any) -> None:
        raise trouble

    trainer: Any = Trainer.__new__(Trainer)
    trainer._versions = SimpleNamespace(live=lambda task, model: None)
    trainer._desk = SimpleNamespace(fence=lambda lease: None)
    return asyncio.run(trainer._finish(None, BETTER, MODEL, SimpleNamespace(warm=warm)))


def test_one_that_cannot_be_loaded_is_kept_and_does_not_go_live() -> None:
    outcome = after(ModelBroken("It could not be loaded."))
    assert isinstance(outcome, Finished)
    assert b'"is_live":false' in outcome.outputs


def test_whether_it_goes_live_is_decided_once_it_can_be_asked() -> None:
    assert after(HostUnreachable("The server's database is not there now.")) == Released()
