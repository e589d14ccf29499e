from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from frontdesk.desk.job import JobState, Lane
from frontdesk.errors import Conflict, IdempotencyMismatch, NotFound, Overloaded
from support.desk_jobs import new_job
from support.desks import Office, open_office


def test_it_gives_a_ticket_that_can_be_shown_at_once(office: Office) -> None:
    submitted = office.desk.submit(new_job(payload=b'{"inputs":{"x":1}}', version=3))
    assert submitted.is_new
    job = office.desk.get(submitted.job.id, "alice")
    assert job == submitted.job
    assert (job.state, job.kind, job.payload, job.version) == (
        JobState.QUEUED,
        Lane.PREDICT,
        b'{"inputs":{"x":1}}',
        3,
    )
    assert office.states(job.id) == ["queued"]


def test_it_rings_for_a_worker_and_tells_listeners(office: Office) -> None:
    job = office.submit()
    assert office.engine.woken == ["predict"]
    assert office.engine.announced == [job.id]


def test_identical_requests_share_a_ticket_until_it_is_finished(office: Office) -> None:
    first = office.submit(fingerprint="same")
    again = office.desk.submit(new_job(fingerprint="same"))
    assert (again.job.id, again.is_new) == (first.id, False)
    lease = office.take()
    assert office.submit(fingerprint="same").id == first.id
    office.desk.finish(lease, b"{}", 1)
    assert office.submit(fingerprint="same").id != first.id


def test_others_and_other_requests_get_a_ticket_of_their_own(office: Office) -> None:
    tickets = [office.submit("alice", fingerprint="same"), office.submit("bob", fingerprint="same")]
    tickets += [office.submit("alice", fingerprint="other"), office.submit("alice"), office.submit("alice")]
    assert len({job.id for job in tickets}) == 5


def test_a_key_stands_for_one_job_for_ever(office: Office) -> None:
    first = office.submit(fingerprint="this", idempotency_key="key")
    office.desk.finish(office.take(), b"{}", 1)
    again = office.desk.submit(new_job(fingerprint="this", idempotency_key="key"))
    assert (again.job.id, again.is_new, again.job.state) == (first.id, False, JobState.SUCCEEDED)
    assert office.submit("bob", fingerprint="this", idempotency_key="key").id != first.id


def test_a_key_used_for_another_request_is_refused(office: Office) -> None:
    office.submit(fingerprint="this", idempotency_key="key")
    with pytest.raises(IdempotencyMismatch):
        office.submit(fingerprint="that", idempotency_key="key")
    assert office.desk.counts()["predict"] == {"queued": 1}


def test_a_request_with_a_key_shares_no_ticket_with_one_without(office: Office) -> None:
    first = office.submit(fingerprint="same")
    assert office.submit(fingerprint="same", idempotency_key="key").id != first.id


@pytest.mark.parametrize(
    "changes", [{"fingerprint": "same"}, {"fingerprint": "same", "idempotency_key": "key"}]
)
def test_a_race_of_identical_requests_makes_one_job(office: Office, changes: dict[str, str]) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: office.desk.submit(new_job(**changes)), range(64)))
    assert len({submitted.job.id for submitted in made}) == 1
    assert sum(submitted.is_new for submitted in made) == 1


def test_everybody_gets_a_fair_turn(office: Office) -> None:
    """However many jobs somebody brings, somebody who comes later with one is next but one."""
    owners = ["alice"] * 5 + ["bob"] * 3 + ["charlie"]
    for owner in owners:
        office.submit(owner)
    served = [office.take().job.owner for _ in owners]
    assert served == ["alice", "bob", "charlie", "alice", "bob", "alice", "bob", "alice", "alice"]


def test_jobs_of_one_owner_are_served_in_the_order_they_came(office: Office) -> None:
    jobs = [office.submit().id for _ in range(20)]
    assert [lease.job.id for lease in office.claim(20)] == jobs


def test_who_comes_late_is_served_from_now_on_and_not_before(office: Office) -> None:
    for _ in range(6):
        office.submit("alice")
    office.claim(3)
    for _ in range(3):
        office.submit("bob")
    assert [lease.job.owner for lease in office.claim(6)] == ["alice", "bob", "alice", "bob", "alice", "bob"]


def test_a_job_that_comes_back_waits_behind_nobody_who_came_later(office: Office) -> None:
    for _ in range(50):
        office.submit("alice")
    leases = office.claim(50)
    for owner in ("bob", "charlie", "bob"):
        office.submit(owner)
    office.desk.release(leases[-1])
    assert [lease.job.owner for lease in office.claim(4)] == ["alice", "bob", "charlie", "bob"]


def test_lanes_are_lines_of_their_own(office: Office) -> None:
    train = office.submit(kind=Lane.TRAIN)
    predict = office.submit(kind=Lane.PREDICT)
    assert [lease.job.id for lease in office.claim(9, lanes=[Lane.PREDICT])] == [predict.id]
    assert office.claim(9, lanes=[Lane.BATCH]) == []
    assert [lease.job.id for lease in office.claim(9, lanes=[Lane.PREDICT, Lane.TRAIN])] == [train.id]


def test_it_takes_on_only_so_many(office: Office) -> None:
    with open_office(office.folder, jobs_waiting_limit=3) as small:
        for _ in range(3):
            small.submit()
        with pytest.raises(Overloaded) as refusal:
            small.submit()
        assert refusal.value.retry_after_s > 0


def test_it_holds_the_files_a_job_needs(office: Office) -> None:
    stored = office.files.add("alice", "photo.jpg", "image/jpeg", b"...")
    office.submit(files=(stored.id,))
    with pytest.raises(Conflict):
        office.files.remove(stored.id)
    assert office.files.read(stored.id) == b"..."


@pytest.mark.parametrize("owner", ["alice", "bob"])
def test_a_file_that_is_gone_or_somebody_elses_is_not_found(office: Office, owner: str) -> None:
    stored = office.files.add("alice", "photo.jpg", "image/jpeg", b"...")
    if owner == "alice":
        office.files.remove(stored.id)
    with pytest.raises(NotFound):
        office.submit(owner, files=(stored.id,))
    assert office.desk.counts()["predict"] == {}


def test_a_call_under_way_becomes_a_running_job_in_one_step(office: Office) -> None:
    lease = office.desk.adopt(new_job(fingerprint="same"), "web-1", 15)
    assert office.states(lease.job.id) == ["queued", "running"]
    assert office.claim() == []
    assert office.submit(fingerprint="same").id == lease.job.id
    office.desk.finish(lease, b'{"answer":1}', 2)
    job = office.desk.get(lease.job.id, "alice")
    assert (job.state, job.outputs, job.version, job.attempts) == (JobState.SUCCEEDED, b'{"answer":1}', 2, 1)


def test_a_call_under_way_is_no_other_job(office: Office) -> None:
    first = office.submit(fingerprint="same")
    assert office.desk.adopt(new_job(fingerprint="same"), "web-1", 15).job.id != first.id
    office.submit(fingerprint="keyed", idempotency_key="key")
    with pytest.raises(Conflict):
        office.desk.adopt(new_job(fingerprint="keyed", idempotency_key="key"), "web-1", 15)
