from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from frontdesk.desk import pruning
from frontdesk.desk.job import Job
from frontdesk.desk.leavings import Leavings
from frontdesk.desk.limits import DeskLimits
from frontdesk.errors import NotFound, StoreUnavailable
from frontdesk.store.files import StoredFile
from frontdesk.store.tables import files, jobs
from support.desks import Office, open_office
from support.moments import now


@pytest.fixture
def archive(tmp_path: Path, empty_database: Path) -> Iterator[Office]:
    """A desk that keeps things for a week, and ten thousand bytes of files."""
    with open_office(
        tmp_path / "archive", empty_database, retention_days=7, retention_bytes=10_000
    ) as office:
        yield office


def finished(office: Office, *, days_ago: float, file_bytes: int = 0) -> Job:
    """A job that ended then."""
    stored = [upload(office, file_bytes)] if file_bytes else []
    job = office.submit(files=tuple(file.id for file in stored))
    office.desk.finish(office.take(), b"{}", 1)
    ended = sa.update(jobs).where(jobs.c.id == job.id).values(finished_at=now() - timedelta(days=days_ago))
    office.database.write(lambda c: c.execute(ended))
    return job


def upload(office: Office, size_bytes: int, *, days_ago: float = 0) -> StoredFile:
    stored = office.files.add("alice", "f", "text/plain", bytes(size_bytes))
    made = sa.update(files).where(files.c.id == stored.id).values(created_at=now() - timedelta(days=days_ago))
    office.database.write(lambda c: c.execute(made))
    return stored


def kept(office: Office, *things: Job | StoredFile) -> list[bool]:
    office.desk.sweep()
    answers = []
    for thing in things:
        try:
            office.desk.get(thing.id, None) if isinstance(thing, Job) else office.files.read(thing.id)
            answers.append(True)
        except NotFound:
            answers.append(False)
    return answers


def test_large_answers_count_too_and_the_oldest_go_first(archive: Office) -> None:
    answered = []
    for _ in range(40):
        answered.append(archive.submit())
        archive.desk.finish(archive.take(), b'"' + b"x" * 2**20 + b'"', 1)
    still = kept(archive, *answered)
    assert still == sorted(still)
    assert 8 <= sum(still) <= 16
    assert kept(archive, *answered) == still


def bytes_on_disk(office: Office) -> int:
    return sum(path.stat().st_size for path in (office.folder / "files").rglob("*") if path.is_file())


def test_what_ended_long_ago_goes_and_nothing_else(archive: Office) -> None:
    old, young = finished(archive, days_ago=8), finished(archive, days_ago=6)
    waiting = archive.submit()
    archive.database.write(
        lambda c: c.execute(
            sa.update(jobs).where(jobs.c.id == waiting.id).values(created_at=now() - timedelta(days=99))
        )
    )
    assert kept(archive, old, young, waiting) == [False, True, True]
    assert archive.desk.events(None, old.id, after=0, limit=9) == []


def test_archived_jobs_are_no_exception(archive: Office) -> None:
    job = finished(archive, days_ago=8)
    archive.desk.archive(job.id, None)
    assert kept(archive, job) == [False]


def test_a_job_put_back_in_line_is_not_over(archive: Office) -> None:
    job = archive.submit()
    archive.desk.cancel(job.id, None)
    ended = sa.update(jobs).values(finished_at=now() - timedelta(days=99))
    archive.database.write(lambda c: c.execute(ended))
    archive.desk.retry(job.id, None)
    assert kept(archive, job) == [True]


def test_a_great_many_go_in_one_sweep(archive: Office) -> None:
    number = 3 * pruning.AT_ONCE
    for _ in range(number):
        archive.submit()
    archive.desk.settle([(lease, b"{}", 1) for lease in archive.claim(number)], [])
    ended = sa.update(jobs).values(finished_at=now() - timedelta(days=99))
    archive.database.write(lambda c: c.execute(ended))
    archive.desk.sweep()
    assert archive.rows("select count(*) from jobs") == [(0,)]


def test_when_files_are_too_many_the_oldest_answers_go_first(archive: Office) -> None:
    made = [finished(archive, days_ago=5 - n, file_bytes=3_000) for n in range(5)]
    plain = finished(archive, days_ago=6.5)
    assert kept(archive, *made, plain) == [False, False, True, True, True, True]
    assert bytes_on_disk(archive) == 9_000


def test_what_unfinished_jobs_need_stays_however_large(archive: Office) -> None:
    stored = upload(archive, 20_000)
    job = archive.submit(files=(stored.id,))
    assert kept(archive, job, stored) == [True, True]


def test_uploads_nobody_asked_about_go_before_any_answer(archive: Office) -> None:
    answer = finished(archive, days_ago=3, file_bytes=3_000)
    forgotten, fresh = upload(archive, 8_000, days_ago=1), upload(archive, 6_000)
    assert kept(archive, answer, forgotten, fresh) == [True, False, True]


def test_uploads_nobody_asked_about_go_in_time(archive: Office) -> None:
    old, young = upload(archive, 10, days_ago=8), upload(archive, 10, days_ago=6)
    assert kept(archive, old, young) == [False, True]


def test_what_was_found_is_looked_at_again_before_it_goes(archive: Office) -> None:
    """Between the look and the removal a job may be retried and an upload may get its job."""
    job = archive.submit()
    archive.desk.cancel(job.id, None)
    stored = upload(archive, 10, days_ago=9)
    archive.desk.retry(job.id, None)
    archive.submit(files=(stored.id,))
    assert archive.database.write(lambda c: pruning.remove_jobs(c, [job.id])) == []
    assert archive.database.write(lambda c: pruning.remove_uploads(c, [stored.id])) == []
    assert kept(archive, job, stored) == [True, True]


def test_without_limits_everything_stays(tmp_path: Path, empty_database: Path) -> None:
    with open_office(tmp_path / "office", empty_database, retention_days=0, retention_bytes=0) as office:
        old = finished(office, days_ago=9999, file_bytes=100)
        assert kept(office, old, upload(office, 100, days_ago=9999)) == [True, True]


def test_a_sweep_rings_for_lanes_with_work_in_case_a_bell_was_lost(office: Office) -> None:
    office.submit()
    office.engine.woken.clear()
    office.desk.sweep()
    assert office.engine.woken == ["predict"]


def test_a_sweep_clears_what_crashes_left_in_the_file_store(office: Office) -> None:
    kept_file = office.files.add("alice", "a", "text/plain", b"kept")
    orphan, draft = (office.files.add("alice", name, "text/plain", b"lost").id for name in "bc")
    office.database.write(lambda c: c.execute(sa.delete(files).where(files.c.id.in_([orphan, draft]))))
    places = {path.name: path for path in (office.folder / "files").rglob("*") if path.is_file()}
    places[draft].rename(places[draft].with_suffix(".part"))
    for path in (office.folder / "files").rglob("*"):
        os.utime(path, (time.time() - 7200,) * 2)
    office.desk.sweep()
    assert [path.name for path in (office.folder / "files").rglob("*") if path.is_file()] == [kept_file.id]


def test_a_measurement_that_is_too_much_for_the_database_is_not_made_in_each_sweep(
    archive: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[float] = []

    def cut_off(connection: sa.Connection) -> int:
        measured.append(time.monotonic())
        time.sleep(0.05)
        raise StoreUnavailable("The server's database is too busy for this now.")

    monkeypatch.setattr(archive.database, "rows_bytes", cut_off)
    leavings = Leavings(archive.database, archive.files, DeskLimits(retention_bytes=10_000))
    with pytest.raises(StoreUnavailable):
        leavings.let_go()
    leavings.let_go()
    assert len(measured) == 1


def test_a_storage_that_is_away_is_not_asked_in_each_sweep(
    archive: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def away() -> None:
        asked.append(time.monotonic())
        raise StoreUnavailable("The storage that files are kept in does not answer.")

    monkeypatch.setattr(archive.files, "sweep", away)
    leavings = Leavings(archive.database, archive.files, DeskLimits())
    with pytest.raises(StoreUnavailable):
        leavings.let_go()
    leavings.let_go()
    assert len(asked) == 1
