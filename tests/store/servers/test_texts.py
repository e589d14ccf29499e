"""Rows come back as they were, and compare as they do in SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontdesk.access.audit import By
from frontdesk.access.gate import Gate
from frontdesk.access.rules import Role
from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.job import Failure, Lane, Progress
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.listing import JobFilters
from frontdesk.desk.queue import Desk
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from support.desk_jobs import new_job


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    files = StoredFiles(database, FolderBlobs(tmp_path))
    return Desk(database, QuietEngine(), DeskLimits(retention_days=0, retention_bytes=1), files)


def test_long_and_odd_texts_and_bytes_come_back(desk: Desk) -> None:
    payload, title = bytes(range(256)) * 4096, "Čaj 🍵 ' \" \\ % :x " + "x" * 70_000
    job = desk.submit(new_job(payload=payload, title=title)).job
    (lease,) = desk.claim("w", {Lane.PREDICT: 1})
    desk.report(lease, Progress(done=2**40, total=2**41, message=title), {"loss": float("nan"), "ä": 1e-300})
    desk.finish(lease, payload * 2, 1)
    found = desk.get(job.id, "alice")
    assert (found.payload, found.title, found.outputs) == (payload, title, payload * 2)
    assert (found.progress.total, found.progress.message) == (2**41, title)
    assert found.metrics == {"loss": None, "ä": 1e-300}


def test_an_error_with_a_null_character_is_kept_without_failing(desk: Desk) -> None:
    job = desk.submit(new_job()).job
    (lease,) = desk.claim("w", {Lane.PREDICT: 1})
    desk.fail(lease, Failure("before\0after"))
    assert (desk.get(job.id, None).error or "").startswith("before")


def test_texts_that_differ_in_case_or_accents_or_end_in_a_blank_are_different(desk: Desk) -> None:
    keys = ("key", "KEY", "kéy", "key ", "ключ")
    made = {desk.submit(new_job(fingerprint=key, idempotency_key=key)).job.id for key in keys}
    assert len(made) == len(keys)
    assert len(desk.list("Alice", JobFilters(), limit=10).items) == 0


def test_a_search_finds_upper_and_lower_case_and_takes_signs_as_they_are(desk: Desk) -> None:
    for n, title in enumerate(("Iris.CSV", "100%_done", "other")):
        desk.submit(new_job(fingerprint=str(n), title=title))

    def found(text: str) -> list[str]:
        page = desk.list("alice", JobFilters(search=text, archived=False), limit=10)
        return [job.title for job in page.items]

    assert (found("iris"), found("%_"), found("_"), found("nothing")) == (
        ["Iris.CSV"], ["100%_done"], ["100%_done"], [],
    )  # fmt: skip


def test_addresses_are_one_persons_whatever_the_database_thinks_of_case(database: Database) -> None:
    gate, by = Gate(database), By("test")
    gate.users.add(by, "a@example.org", "a", Role.VIEWER)
    assert gate.users.by_email(" A@Example.org ").email == "a@example.org"
    gate.users.add(by, "á@example.org", "b", Role.VIEWER)
    assert len(gate.users.list()) == 2


def test_upkeep_runs(desk: Desk, database: Database) -> None:
    desk.submit(new_job())
    desk.sweep()
    with database.read() as connection:
        assert database.rows_bytes(connection) >= 0
