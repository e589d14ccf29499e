from __future__ import annotations

from collections.abc import Callable

import pytest

from frontdesk.desk.job import Failure, Job, Progress
from frontdesk.desk.queue import Desk
from frontdesk.errors import Conflict, NotFound
from support.desks import Office

Verb = Callable[[Desk, str, str], object]

VERBS: dict[str, Verb] = {
    "cancel": Desk.cancel,
    "retry": Desk.retry,
    "archive": Desk.archive,
    "unarchive": Desk.unarchive,
    "remove": Desk.remove,
    "get": Desk.get,
}


def brought_to(office: Office, state: str) -> Job:
    job = office.submit()
    match state:
        case "running":
            office.take()
        case "succeeded":
            office.desk.finish(office.take(), b"{}", 1)
        case "failed":
            office.desk.fail(office.take(), Failure("no"))
        case "cancelled":
            office.desk.cancel(job.id, None)
    return job


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
@pytest.mark.parametrize("state", ["queued", "succeeded", "failed", "cancelled"])
def test_it_validates_ownership(office: Office, verb: Verb, state: str) -> None:
    """Somebody else's job reads exactly like one that does not exist."""
    job = brought_to(office, state)
    with pytest.raises(NotFound) as of_another:
        verb(office.desk, job.id, "charlie")
    with pytest.raises(NotFound) as of_nobody:
        verb(office.desk, "01900000-0000-7000-8000-000000000000", "alice")
    assert str(of_another.value) == str(of_nobody.value)
    assert office.state(job) == state


@pytest.mark.parametrize(
    ("verb", "allowed"),
    [
        ("cancel", {"queued", "running"}),
        ("retry", {"failed", "cancelled"}),
        ("archive", {"succeeded", "failed", "cancelled"}),
        ("remove", {"succeeded", "failed", "cancelled"}),
    ],
)
@pytest.mark.parametrize("state", ["queued", "running", "succeeded", "failed", "cancelled"])
def test_a_verb_works_only_where_the_state_allows_it(
    office: Office, verb: str, allowed: set[str], state: str
) -> None:
    job = brought_to(office, state)
    if state in allowed:
        VERBS[verb](office.desk, job.id, "alice")
        return
    with pytest.raises(Conflict, match=state):
        VERBS[verb](office.desk, job.id, "alice")
    assert office.state(job) == state


def test_cancelling_ends_a_running_job_at_once_and_its_worker_hears(office: Office) -> None:
    job = office.submit()
    lease = office.take()
    office.engine.announced.clear()
    office.desk.cancel(job.id, "alice")
    assert office.state(job) == "cancelled"
    assert office.engine.announced == [job.id]
    assert office.desk.beat([lease]) == {job.id}
    assert office.states(job.id) == ["queued", "running", "cancelled"]


def test_a_cancelled_job_is_not_claimed(office: Office) -> None:
    office.desk.cancel(office.submit().id, "alice")
    assert office.claim() == []


def test_a_retry_is_a_new_attempt_of_the_same_job_with_all_its_chances(office: Office) -> None:
    job = office.submit()
    for _ in range(3):
        office.take()
        office.desk.reclaim_worker("worker")
    office.desk.archive(job.id, "alice")
    office.engine.woken.clear()
    office.desk.retry(job.id, "alice")
    shown = office.desk.get(job.id, "alice")
    assert (shown.state, shown.error, shown.finished_at, shown.archived) == ("queued", None, None, False)
    assert office.engine.woken == ["predict"]
    for attempt in (4, 5):
        assert office.take().job.attempts == attempt
        office.desk.reclaim_worker("worker")
    assert office.state(job) == "queued"
    office.desk.finish(office.take(), b"{}", 1)
    assert office.desk.get(job.id, None).attempts == 6


def test_a_retry_begins_afresh(office: Office) -> None:
    job = office.submit()
    lease = office.take()
    office.desk.report(lease, Progress(done=5, total=9), {"loss": 1.0})
    office.desk.fail(lease, Failure("no"))
    office.desk.retry(job.id, "alice")
    shown = office.desk.get(job.id, "alice")
    assert (shown.progress, shown.metrics, shown.started_at) == (Progress(), {}, None)


def test_archiving_only_puts_it_out_of_sight(office: Office) -> None:
    job = brought_to(office, "succeeded")
    office.desk.archive(job.id, "alice")
    assert office.desk.get(job.id, "alice").archived
    assert office.state(job) == "succeeded"
    office.desk.unarchive(job.id, "alice")
    assert not office.desk.get(job.id, "alice").archived


def test_a_removed_job_leaves_nothing(office: Office) -> None:
    stored = office.files.add("alice", "photo.jpg", "image/jpeg", b"...")
    job = office.submit(files=(stored.id,))
    office.desk.finish(office.take(), b"{}", 1)
    office.desk.remove(job.id, "alice")
    assert [
        office.rows(f"select count(*) from {table}") for table in ("jobs", "events", "files", "job_files")
    ] == [[(0,)]] * 4
    assert [path for path in (office.folder / "files").rglob("*") if path.is_file()] == []


def test_a_file_two_jobs_hold_goes_with_the_second(office: Office) -> None:
    stored = office.files.add("alice", "photo.jpg", "image/jpeg", b"...")
    jobs = [office.submit(files=(stored.id,)) for _ in range(2)]
    for job in jobs:
        office.desk.cancel(job.id, "alice")
    office.desk.remove(jobs[0].id, "alice")
    assert office.files.read(stored.id) == b"..."
    office.desk.remove(jobs[1].id, "alice")
    with pytest.raises(NotFound):
        office.files.get(stored.id)


def test_a_new_result_leaves_the_one_before_to_another_job_that_was_made_from_it(office: Office) -> None:
    first, second, third = (office.files.add("alice", "r.csv", "text/csv", b"1") for _ in range(3))
    job = office.submit()
    lease = office.take()
    office.desk.attach(lease, first.id, b"{}")
    office.desk.fail(lease, Failure("no"))
    other = office.submit(files=(first.id,))
    office.desk.retry(job.id, None)
    leases = {lease.job.id: lease for lease in office.claim(2)}
    office.desk.attach(leases[job.id], second.id)
    assert office.files.read(first.id) == b"1"
    assert office.desk.files_asked_with(office.desk.get(other.id, None)) == (first.id,)
    office.desk.attach(leases[job.id], third.id)
    with pytest.raises(NotFound):
        office.files.get(second.id)
