from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from frontdesk.desk import looking
from frontdesk.desk.job import Failure, Job, JobState, Lane
from frontdesk.desk.queue import JobFilters
from frontdesk.errors import InvalidInput
from frontdesk.store.tables import jobs
from support.desks import Office
from support.moments import now


def finish_each(office: Office, *, took_s: float, every_s: float, number: int) -> None:
    """Finished jobs in the past, each of which took so long, ending one after the other."""
    for _ in range(number):
        office.submit()
    leases = office.claim(number)
    office.desk.settle([(lease, b"{}", 1) for lease in leases], [])
    ended = now()
    for n, lease in enumerate(leases):
        end = ended - timedelta(seconds=every_s * (number - n))
        times = {"started_at": end - timedelta(seconds=took_s), "finished_at": end}
        change = sa.update(jobs).where(jobs.c.id == lease.job.id).values(**times)
        office.database.write(lambda c, change=change: c.execute(change))


def test_a_place_in_line_is_counted_in_turns_and_not_in_arrivals(office: Office) -> None:
    of_alice = [office.submit("alice") for _ in range(3)]
    of_bob = office.submit("bob")
    assert [office.desk.standing(job).position for job in (*of_alice, of_bob)] == [1, 3, 4, 2]


def test_places_of_a_page_are_those_of_each_job(office: Office) -> None:
    waiting = [
        office.submit(owner, kind=kind) for kind in Lane for owner in ("alice", "bob", "alice", "charlie")
    ]
    office.claim(2)
    assert office.desk.standings(waiting) == {job.id: office.desk.standing(job) for job in waiting}


def test_what_has_just_left_the_line_is_next(office: Office) -> None:
    job = office.submit()
    office.submit()
    office.take()
    assert office.desk.standing(job).position == 1
    assert office.desk.standings([job])[job.id].position == 1


def test_nobody_is_counted_further_back_than_is_worth_counting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is built into the statements, so the line is made to be that long."""
    first = office.submit()

    def write(connection: sa.Connection) -> None:
        row = connection.execute(sa.select(jobs)).mappings().one()
        many = [{**row, "id": f"{n:036}", "turn": n} for n in range(looking.FARTHEST_POSITION + 500)]
        connection.execute(sa.insert(jobs), many)

    office.database.write(write)
    last = office.submit()
    assert office.desk.standing(last).position == looking.FARTHEST_POSITION
    standings = office.desk.standings([first, last])
    assert (standings[first.id].position, standings[last.id].position) == (2, looking.FARTHEST_POSITION)


@pytest.mark.parametrize(
    ("took_s", "every_s", "pace_s"),
    [
        (4.0, 1.0, 1.0),  # a busy lane with several workers: what counts is how often one ends
        (0.5, 60.0, 0.5),  # a lane that was mostly idle: what counts is how long one takes
    ],
)
def test_the_wait_is_guessed_from_recent_jobs(
    office: Office, took_s: float, every_s: float, pace_s: float
) -> None:
    finish_each(office, took_s=took_s, every_s=every_s, number=30)
    office.submit()
    standing = office.desk.standing(office.submit())
    assert standing.position == 2
    assert standing.wait_s == pytest.approx(2 * pace_s, rel=0.15)


def test_no_wait_is_guessed_from_nothing(office: Office) -> None:
    assert office.desk.standing(office.submit()).wait_s is None


def test_failed_jobs_and_other_lanes_say_nothing_about_the_wait(office: Office) -> None:
    office.submit()
    office.desk.fail(office.take(), Failure("no"))
    office.submit(kind=Lane.BATCH)
    office.desk.finish(office.claim(lanes=[Lane.BATCH])[0], b"{}", 1)
    assert office.desk.standing(office.submit()).wait_s is None


def listed(office: Office, owner: str | None = "alice", limit: int = 3, **filters: object) -> list[str]:
    """Ids of all jobs that fit, page by page."""
    ids: list[str] = []
    cursor = None
    while True:
        page = office.desk.list(owner, JobFilters(**filters), limit=limit, cursor=cursor)  # type: ignore[arg-type]
        assert len(page.items) <= limit
        ids += [job.id for job in page.items]
        cursor = page.next
        if cursor is None:
            return ids


def some_of_everything(office: Office) -> list[Job]:
    made: list[Job] = []
    for number, (owner, kind, task) in enumerate(
        (owner, kind, task)
        for owner in ("alice", "bob")
        for kind in Lane
        for task in ("flowers", "photos") * 3
    ):
        job = office.submit(owner, kind=kind, task=task)
        match number % 5:
            case 1:
                office.desk.cancel(job.id, None)
            case 2:
                office.desk.cancel(job.id, None)
                office.desk.archive(job.id, None)
        made.append(office.desk.get(job.id, None))
    return made


@pytest.mark.parametrize("owner", ["alice", "bob", "charlie", None])
@pytest.mark.parametrize("state", [None, JobState.QUEUED, JobState.CANCELLED, JobState.FAILED])
@pytest.mark.parametrize("archived", [None, True, False])
def test_a_list_holds_what_fits_newest_first(
    office: Office, owner: str | None, state: JobState | None, archived: bool | None
) -> None:
    made = some_of_everything(office)
    for task in (None, "photos"):
        for kind in (None, Lane.TRAIN):
            wanted = {"state": state, "archived": archived, "task": task, "kind": kind}
            fits = [
                job.id
                for job in made
                if owner in (None, job.owner)
                and all(value is None or getattr(job, name) == value for name, value in wanted.items())
            ]
            assert listed(office, owner, **wanted) == fits[::-1]


def test_pages_do_not_shift_while_jobs_come_and_go(office: Office) -> None:
    made = [office.submit() for _ in range(10)]
    first = office.desk.list("alice", JobFilters(), limit=4)
    office.submit()
    office.desk.cancel(made[6].id, None)
    office.desk.remove(made[6].id, None)  # the very job the cursor names
    second = office.desk.list("alice", JobFilters(), limit=4, cursor=first.next)
    assert [job.id for job in (*first.items, *second.items)] == [job.id for job in made[9:1:-1]]


def test_the_last_page_says_so_even_when_it_is_full(office: Office) -> None:
    for _ in range(4):
        office.submit()
    assert office.desk.list("alice", JobFilters(), limit=4).next is None


@pytest.mark.parametrize("cursor", ["", "x", "' or 1=1 --"])
def test_a_cursor_that_is_none_is_refused(office: Office, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        office.desk.list("alice", JobFilters(), limit=4, cursor=cursor)


def test_it_counts_by_lane_and_state(office: Office) -> None:
    assert office.desk.counts() == {"predict": {}, "batch": {}, "train": {}}
    for _ in range(3):
        office.submit()
    office.submit(kind=Lane.TRAIN)
    office.desk.fail(office.take(), Failure("no"))
    office.take()
    assert office.desk.counts() == {
        "predict": {"queued": 1, "running": 1, "failed": 1},
        "batch": {},
        "train": {"queued": 1},
    }


def test_a_great_many_that_are_over_are_not_counted_anew_each_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.desk.counting._MANY", 2)
    monkeypatch.setattr("frontdesk.desk.counting._REST", 1e6)
    for number in range(1, 5):
        office.desk.cancel(office.submit().id, None)
        assert office.desk.counts()["predict"]["cancelled"] == min(number, 3)
    office.submit()
    assert office.desk.counts()["predict"] == {"queued": 1, "cancelled": 3}


def test_what_waits_is_counted_anew_unless_it_is_a_great_many(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.desk.counting._MANY", 2)
    monkeypatch.setattr("frontdesk.desk.counting._REST", 1e6)
    assert office.desk.queues() == []
    for number in range(1, 5):
        office.submit()
        (queue,) = office.desk.queues()
        assert queue.waiting == min(number, 3)
    time.sleep(0.01)
    (later,) = office.desk.queues()
    assert (later.waiting, later.since) == (queue.waiting, queue.since)
    assert later.waited_s >= queue.waited_s + 0.01


def test_events_go_on_after_the_last_one_seen(office: Office) -> None:
    first, second = office.submit("alice"), office.submit("bob")
    seen = office.desk.last_event(None)
    office.desk.cancel(first.id, None)
    office.desk.cancel(second.id, None)
    new = office.desk.events(None, None, after=seen, limit=10)
    assert [(event.job, event.data) for event in new] == [
        (first.id, {"state": "cancelled"}),
        (second.id, {"state": "cancelled"}),
    ]
    assert [event.id for event in new] == sorted(event.id for event in new)
    assert [event.job for event in office.desk.events("bob", None, after=0, limit=10)] == [second.id] * 2
    assert [event.job for event in office.desk.events("alice", first.id, after=0, limit=1)] == [first.id]
    assert office.desk.events("charlie", first.id, after=0, limit=10) == []
    assert office.desk.last_event("charlie") == 0


def test_ids_of_events_are_never_given_again(office: Office) -> None:
    job = office.submit()
    office.desk.cancel(job.id, None)
    before = office.desk.last_event(None)
    office.desk.remove(job.id, None)
    office.submit()
    assert office.desk.last_event(None) > before
