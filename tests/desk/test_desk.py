"""What is promised, in the words of the contract."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.job import JobState, Lane, Lease, Progress
from frontdesk.desk.queue import Desk, JobFilters
from frontdesk.errors import Conflict, IdempotencyMismatch, LeaseLost, NotFound, Overloaded
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from frontdesk.store.tables import jobs
from support.desk_jobs import new_job
from support.moments import now


def claim_one(desk: Desk, worker: str = "w") -> Lease:
    [lease] = desk.claim(worker, {Lane.PREDICT: 1})
    return lease


def expire_leases(database: Database) -> None:
    past = now() - timedelta(seconds=1)
    database.write(lambda c: c.execute(sa.update(jobs).values(lease_expires_at=past)))


def test_a_job_goes_from_queued_to_succeeded_and_says_so_in_events(desk: Desk, engine: QuietEngine) -> None:
    job = desk.submit(new_job()).job
    assert engine.woken == ["predict"]
    lease = claim_one(desk)
    desk.report(lease, Progress(done=1, total=2))
    desk.finish(lease, b'{"answer": 1}', version=3)
    done = desk.get(job.id, "alice")
    assert (done.state, done.outputs, done.version) == (JobState.SUCCEEDED, b'{"answer": 1}', 3)
    told = [event.data.get("state", event.event) for event in desk.events("alice", job.id, after=0, limit=9)]
    assert told == ["queued", "running", "progress", "succeeded"]
    assert set(engine.announced) == {job.id}


def test_somebody_elses_job_is_as_one_that_does_not_exist(desk: Desk) -> None:
    job = desk.submit(new_job()).job
    for verb in (desk.get, desk.cancel, desk.retry, desk.archive, desk.unarchive, desk.remove):
        with pytest.raises(NotFound):
            verb(job.id, "charlie")
    assert desk.events("charlie", job.id, after=0, limit=9) == []
    assert desk.list("charlie", JobFilters(), limit=9).items == []


def test_identical_unfinished_requests_share_a_ticket(desk: Desk) -> None:
    first = desk.submit(new_job(fingerprint="f"))
    assert not desk.submit(new_job(fingerprint="f")).is_new
    assert desk.submit(new_job("bob", fingerprint="f")).is_new
    desk.finish(claim_one(desk), b"{}", 1)
    assert desk.get(first.job.id, "alice").state is JobState.SUCCEEDED
    assert desk.submit(new_job(fingerprint="f")).is_new


def test_a_key_stands_for_one_request(desk: Desk) -> None:
    first = desk.submit(new_job(fingerprint="f", idempotency_key="k"))
    desk.finish(claim_one(desk), b"{}", 1)
    assert desk.submit(new_job(fingerprint="f", idempotency_key="k")).job.id == first.job.id
    with pytest.raises(IdempotencyMismatch):
        desk.submit(new_job(fingerprint="g", idempotency_key="k"))
    assert desk.submit(new_job("bob", fingerprint="g", idempotency_key="k")).is_new


def test_a_worker_that_lost_its_lease_writes_nothing(desk: Desk, database: Database) -> None:
    job = desk.submit(new_job()).job
    stale = claim_one(desk, "first")
    expire_leases(database)
    desk.sweep()
    fresh = claim_one(desk, "second")
    assert fresh.token > stale.token
    with pytest.raises(LeaseLost):
        desk.finish(stale, b'"stale"', 1)
    with pytest.raises(LeaseLost):
        desk.report(stale, Progress(done=1))
    desk.release(stale)
    assert desk.beat([stale]) == {job.id}
    assert desk.beat([fresh]) == set()
    desk.finish(fresh, b'"fresh"', 1)
    assert desk.get(job.id, "alice").outputs == b'"fresh"'


def test_a_job_that_loses_every_worker_ends_failed_with_that_reason(make_desk, database: Database) -> None:
    desk = make_desk(attempts_limit=2)
    job = desk.submit(new_job()).job
    for _ in range(2):
        claim_one(desk)
        assert desk.reclaim_worker("w") == [job.id]
    failed = desk.get(job.id, "alice")
    assert failed.state is JobState.FAILED
    assert "2 times" in (failed.error or "")
    desk.retry(job.id, "alice")
    claim_one(desk)
    desk.reclaim_worker("w")
    assert desk.get(job.id, "alice").state is JobState.QUEUED


def test_a_release_costs_no_attempt(desk: Desk) -> None:
    job = desk.submit(new_job()).job
    desk.release(claim_one(desk))
    assert (desk.get(job.id, None).state, desk.get(job.id, None).attempts) == (JobState.QUEUED, 0)


def test_cancel_fences_the_worker_and_only_a_retry_leads_back(desk: Desk) -> None:
    job = desk.submit(new_job()).job
    lease = claim_one(desk)
    desk.cancel(job.id, "alice")
    assert desk.beat([lease]) == {job.id}
    with pytest.raises(LeaseLost):
        desk.finish(lease, b"{}", 1)
    with pytest.raises(Conflict):
        desk.cancel(job.id, "alice")
    desk.retry(job.id, "alice")
    desk.finish(claim_one(desk), b"{}", 1)
    with pytest.raises(Conflict):
        desk.retry(job.id, "alice")


def test_one_job_of_bobs_does_not_wait_for_all_of_alices(desk: Desk) -> None:
    for n in range(10):
        desk.submit(new_job("alice", fingerprint=str(n)))
    desk.submit(new_job("bob"))
    owners = [lease.job.owner for lease in desk.claim("w", {Lane.PREDICT: 3})]
    assert owners == ["alice", "bob", "alice"]


def test_it_says_where_a_job_stands_and_about_how_long(desk: Desk) -> None:
    placed = [desk.submit(new_job(fingerprint=str(n))).job for n in range(3)]
    assert [desk.standing(job).position for job in placed] == [1, 2, 3]
    assert desk.standing(placed[2]).wait_s is None
    began = time.monotonic()
    lease = claim_one(desk)
    time.sleep(0.05)
    desk.finish(lease, b"{}", 1)
    took_s = time.monotonic() - began
    standing = desk.standing(placed[2])
    assert standing.position == 2
    assert standing.wait_s is not None
    assert 0.09 < standing.wait_s < 2 * took_s + 0.01, "twice as long as the first one took"


def test_pages_follow_each_other_while_jobs_come(desk: Desk) -> None:
    made = [desk.submit(new_job(fingerprint=str(n))).job.id for n in range(5)]
    first = desk.list("alice", JobFilters(), limit=2)
    desk.submit(new_job(fingerprint="later"))
    second = desk.list("alice", JobFilters(), limit=2, cursor=first.next)
    third = desk.list("alice", JobFilters(), limit=2, cursor=second.next)
    assert [job.id for page in (first, second, third) for job in page.items] == made[::-1]
    assert third.next is None


def test_a_page_can_be_filtered(desk: Desk) -> None:
    done = desk.submit(new_job(fingerprint="a")).job.id
    desk.finish(claim_one(desk), b"{}", 1)
    desk.submit(new_job(fingerprint="b"))
    desk.archive(done, "alice")
    assert [job.id for job in desk.list("alice", JobFilters(state=JobState.SUCCEEDED), limit=9).items] == [
        done
    ]
    assert done not in [job.id for job in desk.list("alice", JobFilters(archived=False), limit=9).items]
    desk.unarchive(done, "alice")
    assert len(desk.list("alice", JobFilters(archived=False), limit=9).items) == 2


def test_the_line_has_an_end(make_desk) -> None:
    desk = make_desk(jobs_waiting_limit=3)
    for n in range(3):
        desk.submit(new_job(fingerprint=str(n)))
    with pytest.raises(Overloaded):
        desk.submit(new_job(fingerprint="too many"))


def test_an_adopted_call_is_running_from_the_start(desk: Desk) -> None:
    lease = desk.adopt(new_job(fingerprint="f"), "web-1", 15)
    assert desk.get(lease.job.id, "alice").state is JobState.RUNNING
    assert desk.claim("w", {Lane.PREDICT: 9}) == []
    desk.finish(lease, b"{}", 1)


def test_a_removed_job_takes_its_files_unless_another_holds_them(desk: Desk, files: StoredFiles) -> None:
    shared = files.add("alice", "a", "text/plain", b"shared").id
    own = files.add("alice", "b", "text/plain", b"own").id
    first = desk.submit(new_job(fingerprint="1", files=(shared, own))).job.id
    desk.submit(new_job(fingerprint="2", files=(shared,)))
    with pytest.raises(Conflict):
        desk.remove(first, "alice")
    desk.cancel(first, "alice")
    desk.remove(first, "alice")
    assert files.read(shared) == b"shared"
    with pytest.raises(NotFound):
        files.read(own)
    with pytest.raises(NotFound):
        desk.get(first, "alice")


def test_retention_by_age_takes_finished_jobs_alone(make_desk, database: Database) -> None:
    desk = make_desk(retention_days=1, retention_bytes=0)
    old = desk.submit(new_job(fingerprint="old")).job.id
    desk.finish(claim_one(desk), b"{}", 1)
    waiting = desk.submit(new_job(fingerprint="waiting")).job.id
    past = now() - timedelta(days=2)
    database.write(lambda c: c.execute(sa.update(jobs).where(jobs.c.id == old).values(finished_at=past)))
    desk.sweep()
    with pytest.raises(NotFound):
        desk.get(old, "alice")
    assert desk.get(waiting, "alice").state is JobState.QUEUED


def test_retention_by_size_takes_the_oldest_first(make_desk, files: StoredFiles) -> None:
    desk = make_desk(retention_days=0, retention_bytes=1500)
    made = []
    for n in range(3):
        file_id = files.add("alice", "f", "text/plain", bytes(700)).id
        made.append((desk.submit(new_job(fingerprint=str(n), files=(file_id,))).job.id, file_id))
        desk.finish(claim_one(desk), b"{}", 1)
    desk.sweep()
    with pytest.raises(NotFound):
        files.read(made[0][1])
    assert [len(files.read(file_id)) for _, file_id in made[1:]] == [700, 700]
