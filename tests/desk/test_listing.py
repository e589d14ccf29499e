"""Searching and ordering jobs, and how far a page looks."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from frontdesk.desk import listing
from frontdesk.desk.job import Job, Lane
from frontdesk.desk.queue import JobFilters, JobSort, Page
from frontdesk.errors import InvalidInput
from frontdesk.store.tables import jobs
from support.desks import Office
from support.moments import now


def found(office: Office, search: str, owner: str | None = "alice") -> list[str]:
    page = office.desk.list(owner, JobFilters(search=search), limit=50)
    assert page.next is None
    return [job.id for job in page.items]


def walk(office: Office, sort: JobSort, limit: int = 2) -> list[Job]:
    """All of alice's jobs, page by page."""
    page: Page | None = None
    seen: list[Job] = []
    while page is None or page.next is not None:
        cursor = None if page is None else page.next
        page = office.desk.list("alice", JobFilters(), limit=limit, cursor=cursor, sort=sort)
        seen += page.items
    return seen


def test_it_searches_a_part_of_the_name_and_the_task_in_any_case(office: Office) -> None:
    report = office.submit(title="Report March.csv", task="flowers")
    other = office.submit(title="x.csv", task="reports")
    office.submit(title="photo.png", task="flowers")
    assert found(office, "rePORT") == [other.id, report.id]
    assert found(office, "march.c") == [report.id]
    assert found(office, "nothing") == []


def test_signs_with_a_meaning_to_databases_are_only_signs(office: Office) -> None:
    exact = office.submit(title="100%_done.csv")
    office.submit(title="100 done.csv")
    assert found(office, "100%") == [exact.id]
    assert found(office, "%_") == [exact.id]
    assert found(office, "'; --") == []


def test_an_id_is_found_and_only_by_those_it_belongs_to(office: Office) -> None:
    mine, theirs = office.submit("alice"), office.submit("bob")
    assert found(office, mine.id) == [mine.id]
    assert found(office, theirs.id) == []
    assert found(office, theirs.id, owner=None) == [theirs.id]


def finished(office: Office, title: str, *, took_s: float, ended_ago_s: float, rows: int) -> Job:
    job = office.submit(title=title)
    end = now() - timedelta(seconds=ended_ago_s)
    values = {"started_at": end - timedelta(seconds=took_s), "finished_at": end, "progress_total": rows}
    office.database.write(lambda c: c.execute(sa.update(jobs).where(jobs.c.id == job.id).values(**values)))
    return job


def test_every_order_goes_on_from_page_to_page(office: Office) -> None:
    finished(office, "b", took_s=5, ended_ago_s=10, rows=1)
    finished(office, "C", took_s=50, ended_ago_s=30, rows=300)
    finished(office, "a", took_s=1, ended_ago_s=20, rows=20)
    office.submit(title="d")
    orders = {
        JobSort.NEWEST: "daCb", JobSort.OLDEST: "bCad", JobSort.NAME: "abCd", JobSort.ENDED: "baCd",
        JobSort.LONGEST: "Cbad", JobSort.LARGEST: "Cabd",
    }  # fmt: skip
    assert set(orders) == set(JobSort)
    for sort, order in orders.items():
        for limit in (1, 2, 3, 4, 9):
            assert "".join(job.title for job in walk(office, sort, limit)) == order, (sort, limit)


@pytest.mark.parametrize("sort", [JobSort.NAME, JobSort.NEWEST])
def test_what_comes_meanwhile_shifts_no_page(office: Office, sort: JobSort) -> None:
    for title in "abcd":
        office.submit(title=title)
    first = office.desk.list("alice", JobFilters(), limit=2, sort=sort)
    office.submit(title="aa")
    second = office.desk.list("alice", JobFilters(), limit=2, cursor=first.next, sort=sort)
    assert sorted(job.title for job in (*first.items, *second.items)) == list("abcd")


@pytest.mark.parametrize("cursor", ["", "x~1", f"{'a' * 36}~x", f"{'a' * 36}~-1", f"{'a' * 36}~99999999"])
def test_a_cursor_of_another_order_is_refused(office: Office, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        office.desk.list("alice", JobFilters(), limit=4, cursor=cursor, sort=JobSort.NAME)


def test_a_long_look_ends_and_is_gone_on_with(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "WINDOW", 10)
    monkeypatch.setattr(listing, "_FIRST_LOOK", 4)
    rare = office.submit(kind=Lane.TRAIN)
    for _ in range(25):
        office.submit()
    looks: list[Page] = []
    while not looks or looks[-1].next is not None:
        cursor = looks[-1].next if looks else None
        looks.append(office.desk.list("alice", JobFilters(kind=Lane.TRAIN), limit=2, cursor=cursor))
    assert [(len(look.items), look.is_partial) for look in looks] == [(0, True), (0, True), (1, False)]
    assert [job.id for job in looks[-1].items] == [rare.id]
