from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from frontdesk.desk.job import Failure, JobState, Lane, Lease, Progress
from frontdesk.errors import LeaseLost
from support.desks import Office, open_office

Late = Callable[[Office, Lease], object]


def test_a_claim_is_a_lease_with_a_token(office: Office) -> None:
    job = office.submit()
    lease = office.take()
    assert (lease.job.id, lease.token) == (job.id, 1)
    assert lease.job == office.desk.get(job.id, None)
    assert (lease.job.state, lease.job.attempts) == (JobState.RUNNING, 1)
    assert lease.job.started_at is not None


def test_nobody_gets_what_somebody_has(office: Office) -> None:
    for _ in range(200):
        office.submit()
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: office.claim(7, worker=f"worker-{n}"), range(40)))
    claimed = [lease.job.id for leases in claims for lease in leases]
    assert len(claimed) == len(set(claimed)) == 200


def test_an_answer_ends_the_job(office: Office) -> None:
    job = office.submit()
    office.desk.finish(office.take(), b'{"answer":1}', 7)
    job = office.desk.get(job.id, "alice")
    assert (job.state, job.outputs, job.version, job.error) == (JobState.SUCCEEDED, b'{"answer":1}', 7, None)
    assert job.finished_at is not None
    assert office.states(job.id) == ["queued", "running", "succeeded"]


def test_a_failure_ends_the_job_with_a_reason_and_the_version_it_asked_for(office: Office) -> None:
    job = office.submit(version=3)
    office.desk.fail(office.take(), Failure("It does not compute.", "PredictFailed"))
    job = office.desk.get(job.id, "alice")
    assert (job.state, job.outputs, job.version) == (JobState.FAILED, None, 3)
    assert (job.error, job.error_kind) == ("It does not compute.", "PredictFailed")
    assert office.desk.events(None, job.id, after=0, limit=9)[-1].data == {
        "state": "failed",
        "error": "It does not compute.",
    }


def test_many_outcomes_are_written_at_once_and_only_those_that_are_lost_are_refused(office: Office) -> None:
    jobs = [office.submit() for _ in range(5)]
    leases = office.claim(5)
    office.desk.cancel(jobs[1].id, "alice")
    lost = office.desk.settle(
        [(lease, b"{}", 1) for lease in leases[:3]], [(lease, Failure("no")) for lease in leases[3:]]
    )
    assert lost == {jobs[1].id}
    assert [office.state(job) for job in jobs] == ["succeeded", "cancelled", "succeeded", "failed", "failed"]


STALE: dict[str, Late] = {
    "finish": lambda office, lease: office.desk.finish(lease, b"stale", 1),
    "fail": lambda office, lease: office.desk.fail(lease, Failure("stale")),
    "report": lambda office, lease: office.desk.report(lease, Progress(done=99)),
}


@pytest.mark.parametrize("verb", STALE.values(), ids=STALE)
@pytest.mark.parametrize(
    "fate", ["cancelled", "taken back", "with another worker", "finished", "retried", "removed"]
)
def test_a_stale_worker_is_refused(office: Office, verb: Late, fate: str) -> None:
    job = office.submit()
    stale = office.take("old")
    match fate:
        case "cancelled":
            office.desk.cancel(job.id, None)
        case "taken back":
            office.desk.reclaim_worker("old")
        case "with another worker":
            office.desk.reclaim_worker("old")
            office.take("new")
        case "finished":
            office.desk.reclaim_worker("old")
            office.desk.finish(office.take("new"), b"right", 1)
        case "retried":
            office.desk.cancel(job.id, None)
            office.desk.retry(job.id, None)
            office.take("new")
        case "removed":
            office.desk.cancel(job.id, None)
            office.desk.remove(job.id, None)
    before = office.rows("select * from jobs"), office.rows("select * from events")
    with pytest.raises(LeaseLost):
        verb(office, stale)
    office.desk.release(stale)
    assert office.desk.beat([stale]) == {job.id}
    assert (office.rows("select * from jobs"), office.rows("select * from events")) == before


def test_a_lease_lasts_as_long_as_its_worker_sends_heartbeats(office: Office) -> None:
    with open_office(office.folder, lease_s=0.2) as brief:
        kept, lost = brief.submit(), brief.submit()
        keeper, loser = brief.take("a"), brief.take("b")
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            assert brief.desk.beat([keeper]) == set()
            time.sleep(0.05)
        brief.desk.beat([keeper])
        brief.desk.sweep()
        assert [brief.state(kept), brief.state(lost)] == ["running", "queued"]
        assert brief.desk.beat([keeper, loser]) == {lost.id}


def test_a_job_that_loses_every_worker_fails_with_that_reason(office: Office) -> None:
    job = office.submit()
    for attempt in range(1, 4):
        assert office.take().job.attempts == attempt
        office.desk.reclaim_worker("worker")
    job = office.desk.get(job.id, None)
    assert (job.state, job.attempts) == (JobState.FAILED, 3)
    assert job.error is not None
    assert "lost 3 times" in job.error
    assert office.claim() == []


def test_a_job_given_back_untried_keeps_its_attempts_and_its_place(office: Office) -> None:
    jobs = [office.submit() for _ in range(3)]
    for _ in range(10):
        office.desk.release(office.take())
    assert [lease.job.id for lease in office.claim(3)] == [job.id for job in jobs]
    assert office.desk.get(jobs[0].id, None).attempts == 1


def test_only_the_jobs_of_the_dead_worker_are_taken_back(office: Office) -> None:
    dead, alive = office.submit(), office.submit()
    office.take("dead")
    office.take("alive")
    office.engine.woken.clear()
    assert office.desk.reclaim_worker("dead") == [dead.id]
    assert [office.state(dead), office.state(alive)] == ["queued", "running"]
    assert "predict" in office.engine.woken


def test_a_worker_that_has_nothing_left_costs_no_write(office: Office) -> None:
    assert office.desk.reclaim_worker("nobody") == []
    assert office.claim() == []


def test_progress_and_metrics_are_kept_and_told(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    office.desk.report(lease, Progress(done=1, total=10, message="warming up"), {"loss": 0.9, "epoch": 1})
    office.desk.report(lease, metrics={"loss": 0.5})
    office.desk.report(lease, Progress(done=2, total=10))
    shown = office.desk.get(job.id, "alice")
    assert shown.progress == Progress(done=2, total=10)
    assert shown.metrics == {"loss": 0.5, "epoch": 1}
    told = [(event.event, event.data) for event in office.desk.events("alice", job.id, after=0, limit=99)[2:]]
    assert told == [
        ("progress", {"done": 1, "total": 10, "message": "warming up"}),
        ("metrics", {"loss": 0.9, "epoch": 1}),
        ("metrics", {"loss": 0.5}),
        ("progress", {"done": 2, "total": 10, "message": ""}),
    ]
