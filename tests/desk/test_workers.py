"""Who works: signs of life, wishes, and whose jobs a worker gets."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from frontdesk.desk.job import Lane, Progress
from frontdesk.desk.leasing import claim
from frontdesk.desk.workers import Introduction, Wish, Workers, WorkerState
from frontdesk.errors import NotFound
from support.databases import KIND
from support.desks import Office

WHO = Introduction(
    name="desk-1-a",
    machine="desk-1",
    frontdesk_version="1.2",
    lanes={Lane.PREDICT: 4, Lane.BATCH: 2},
    tasks=("photos",),
)


def who(name: str = "desk-1-a", **changes: Any) -> Introduction:
    return msgspec.structs.replace(WHO, name=name, **changes)


@pytest.fixture
def workers(office: Office) -> Workers:
    return Workers(office.database, lost_after_s=15.0)


def test_a_worker_is_there_from_its_start_to_its_end(workers: Workers) -> None:
    workers.arrive(who())
    (found,) = workers.list()
    assert (found.name, found.machine, found.frontdesk_version) == ("desk-1-a", "desk-1", "1.2")
    assert (found.lanes, found.tasks) == ({Lane.PREDICT: 4, Lane.BATCH: 2}, ("photos",))
    assert (found.state, found.wish, found.holds) == (WorkerState.WORKING, Wish.WORK, ())
    workers.depart("desk-1-a")
    assert workers.list() == []
    workers.depart("desk-1-a")


def test_one_that_does_all_tasks_says_so(workers: Workers) -> None:
    workers.arrive(who(tasks=None))
    assert workers.get("desk-1-a").tasks is None


def test_a_wish_is_heard_with_the_next_sign_of_life(workers: Workers) -> None:
    workers.arrive(who())
    assert workers.beat(who(), WorkerState.WORKING) is Wish.WORK
    workers.wish("desk-1-a", Wish.PAUSE)
    assert workers.get("desk-1-a").wish is Wish.PAUSE
    assert workers.beat(who(), WorkerState.WORKING) is Wish.PAUSE
    workers.beat(who(), WorkerState.DRAINING)
    assert workers.get("desk-1-a").state is WorkerState.DRAINING
    workers.wish("desk-1-a", Wish.WORK)
    assert workers.beat(who(), WorkerState.PAUSED) is Wish.WORK


def test_a_new_worker_of_an_old_name_is_not_bound_by_old_wishes(workers: Workers) -> None:
    workers.arrive(who())
    workers.wish("desk-1-a", Wish.LEAVE)
    workers.arrive(who())
    assert workers.beat(who(), WorkerState.WORKING) is Wish.WORK
    assert len(workers.list()) == 1


def test_nobody_wishes_of_nobody(workers: Workers) -> None:
    with pytest.raises(NotFound):
        workers.wish("nobody", Wish.PAUSE)
    with pytest.raises(NotFound):
        workers.get("nobody")


def test_one_that_is_not_heard_of_is_lost_until_it_is_heard_of_again(office: Office) -> None:
    brief = Workers(office.database, lost_after_s=0.05)
    brief.arrive(who())
    brief.arrive(who("desk-2-b"))
    time.sleep(0.1)
    brief.beat(who("desk-2-b"), WorkerState.WORKING)
    assert {worker.name: worker.state for worker in brief.list()} == {
        "desk-1-a": WorkerState.LOST,
        "desk-2-b": WorkerState.WORKING,
    }
    brief.sweep()
    assert len(brief.list()) == 2
    brief.beat(who(), WorkerState.PAUSED)
    assert brief.get("desk-1-a").state is WorkerState.PAUSED


def test_the_lost_are_forgotten_after_a_while_and_come_back_by_themselves(
    office: Office, workers: Workers
) -> None:
    workers.arrive(who())
    workers.arrive(who("desk-2-b"))
    long_ago = sa.text("update workers set seen_at = seen_at - 3600000000 where name = 'desk-1-a'")
    office.database.write(lambda connection: connection.execute(long_ago))
    workers.sweep()
    assert [worker.name for worker in workers.list()] == ["desk-2-b"]
    assert workers.beat(who(), WorkerState.WORKING) is Wish.WORK
    assert {worker.name for worker in workers.list()} == {"desk-1-a", "desk-2-b"}


def test_it_shows_what_is_in_whose_hands(office: Office, workers: Workers) -> None:
    workers.arrive(who("a"))
    workers.arrive(who("b"))
    office.submit(title="one")
    job = office.submit(kind=Lane.BATCH, title="two")
    office.claim(worker="a")
    (lease,) = office.claim(worker="b", lanes=[Lane.BATCH])
    office.desk.report(lease, Progress(done=3, total=9, message="rows"))
    holds = {worker.name: worker.holds for worker in workers.list()}
    assert [held.title for held in holds["a"]] == ["one"]
    (held,) = holds["b"]
    assert (held.id, held.kind, held.task) == (job.id, Lane.BATCH, "double")
    assert held.progress == Progress(done=3, total=9, message="rows")
    assert held.started_at == office.desk.get(job.id, None).started_at


def test_a_worker_of_some_tasks_gets_only_theirs_in_the_order_of_turns(office: Office) -> None:
    mine = []
    for task in ("sums", "photos", "sums", "flowers", "photos"):
        job = office.submit(task=task)
        mine += [job.id] if task != "sums" else []
    found = office.desk.claim("w", {Lane.PREDICT: 2}, ["photos", "flowers"])
    assert [lease.job.id for lease in found] == mine[:2]
    assert [
        lease.job.id for lease in office.desk.claim("w", {Lane.PREDICT: 9}, ["flowers", "photos"])
    ] == mine[2:]
    assert office.desk.claim("w", {Lane.PREDICT: 9}, ["photos", "flowers"]) == []
    assert len(office.claim(9)) == 2


def test_owners_have_fair_turns_in_a_task_too(office: Office) -> None:
    for _ in range(20):
        office.submit("alice", task="photos")
    for _ in range(3):
        office.submit("bob", task="photos")
    found = office.desk.claim("w", {Lane.PREDICT: 6}, ["photos"])
    assert sorted(lease.job.owner for lease in found) == ["alice"] * 3 + ["bob"] * 3


@pytest.mark.skipif(KIND != "sqlite", reason="reads how SQLite would do it")
def test_a_long_line_of_another_task_is_not_walked(office: Office) -> None:
    """An index has the first jobs of a task: what a claim reads does not grow with what others wait for."""
    asked: list[tuple[str, Any]] = []
    with office.database.read() as connection:
        sa.event.listen(
            connection,
            "before_cursor_execute",
            lambda c, cursor, text, values, *_: asked.append((text, values)),
        )
        claim(connection, "w", {Lane.PREDICT: 5}, 15.0, ["photos"])
        ((text, values),) = [entry for entry in asked if entry[0].startswith("SELECT")]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values).all()
    assert len(plan) == 1, plan
    assert "USING INDEX jobs_of_a_task_in_line (kind=? AND state=? AND task=?)" in str(plan[0])


def test_the_jobs_of_a_place_are_taken_back_and_no_others(office: Office) -> None:
    jobs = [office.submit() for _ in range(3)]
    for name in ("worker-1-host-aaaa", "web-2-host-aaaa", "worker-1-host-bbbb"):
        office.take(name)
    assert set(office.desk.reclaim_place("host-aaaa")) == {jobs[0].id, jobs[1].id}
    assert office.desk.reclaim_place("host_bbbb") == []
    assert [office.state(job) for job in jobs] == ["queued", "queued", "running"]
