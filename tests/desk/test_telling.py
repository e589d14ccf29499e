"""Who is told of what, and what becomes of messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from frontdesk.desk.deliveries import GONE, Deliveries, Outgoing, Result
from frontdesk.desk.job import Failure, JobState, Lane
from frontdesk.desk.targets import networks_of
from frontdesk.desk.telling import Channel, Telling, Wishes
from frontdesk.desk.webhooks import MOST, Webhook, Webhooks
from frontdesk.errors import Conflict, InvalidInput, NotFound
from frontdesk.store.telling_tables import deliveries, notices, webhooks
from support.desks import Office

URL = "http://127.0.0.1:9/told"
EVERY_KIND = frozenset(Lane)
ENDS = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


@pytest.fixture
def telling(office: Office) -> Telling:
    return Telling(office.database)


@pytest.fixture
def hooks(office: Office) -> Webhooks:
    return Webhooks(office.database, networks_of("127.0.0.0/8"))


@pytest.fixture
def out(office: Office) -> Deliveries:
    return Deliveries(office.database)


def end(office: Office, kind: Lane, state: JobState, owner: str = "alice") -> str:
    job = office.submit(owner, kind=kind, title=f"{kind} of {owner}")
    if state is JobState.CANCELLED:
        office.desk.cancel(job.id, owner)
        return job.id
    (lease,) = office.claim(lanes=[kind])
    if state is JobState.FAILED:
        office.desk.fail(lease, Failure("It broke."))
    else:
        office.desk.finish(lease, b"{}", 1)
    return job.id


def add(hooks: Webhooks, owner: str = "alice", **wanted: Any) -> Webhook:
    kinds, outcomes = wanted.get("kinds", EVERY_KIND), wanted.get("outcomes", ENDS)
    return hooks.add(owner, URL, wanted.get("name", ""), kinds, outcomes)[0]


# ------------------------------------------------------------------------------- who is told


@pytest.mark.parametrize("kind", Lane)
@pytest.mark.parametrize("state", sorted(ENDS))
def test_to_begin_with_files_and_trainings_are_told_in_the_page(
    office: Office, telling: Telling, out: Deliveries, kind: Lane, state: JobState
) -> None:
    job = end(office, kind, state)
    told = telling.notices("alice", limit=9)
    is_told = kind is not Lane.PREDICT and state is not JobState.CANCELLED
    assert [(notice.job, notice.state, notice.is_read) for notice in told] == [(job, state, False)] * is_told
    if told:
        assert told[0].title == f"{kind} of alice"
        assert told[0].reason == ("It broke." if state is JobState.FAILED else None)
    assert out.claim(9) == []


def test_everybody_chooses_for_themselves(office: Office, telling: Telling, out: Deliveries) -> None:
    telling.choose(
        "alice",
        Wishes(page=frozenset(), mail=frozenset({Lane.PREDICT}), outcomes=frozenset({JobState.CANCELLED})),
    )
    for owner in ("alice", "bob"):
        end(office, Lane.PREDICT, JobState.CANCELLED, owner)
        end(office, Lane.PREDICT, JobState.SUCCEEDED, owner)
        end(office, Lane.BATCH, JobState.SUCCEEDED, owner)
    assert telling.notices("alice", limit=9) == []
    assert len(telling.notices("bob", limit=9)) == 1
    assert [(m.owner, m.channel, json.loads(m.body)["type"]) for m in out.claim(9)] == [
        ("alice", Channel.MAIL, "job.cancelled")
    ]
    assert telling.wishes("alice").mail == {Lane.PREDICT}
    assert telling.wishes("bob") == Wishes()


def test_what_is_lost_with_its_worker_is_told_too(office: Office, telling: Telling) -> None:
    office.submit(kind=Lane.BATCH)
    for _ in range(3):
        office.claim(lanes=[Lane.BATCH])
        office.desk.reclaim_worker("worker")
    (notice,) = telling.notices("alice", limit=9)
    assert notice.state == "failed"
    assert "lost" in (notice.reason or "")


def test_a_lost_lease_tells_nothing(office: Office, telling: Telling) -> None:
    office.submit(kind=Lane.BATCH)
    (lease,) = office.claim(lanes=[Lane.BATCH])
    office.desk.cancel(lease.job.id, None)
    office.desk.settle([(lease, b"{}", 1)], [])
    assert telling.notices("alice", limit=9) == []


def test_notices_are_read_by_their_owner_only_and_go_with_the_job(office: Office, telling: Telling) -> None:
    jobs = [end(office, Lane.BATCH, JobState.SUCCEEDED) for _ in range(3)]
    newest, middle, oldest = telling.notices("alice", limit=9)
    telling.read("bob", None)
    telling.read("bob", [newest.id])
    assert len(telling.unread("alice")) == 3
    telling.read("alice", [middle.id])
    assert [notice.id for notice in telling.unread("alice")] == [newest.id, oldest.id]
    assert [notice.id for notice in telling.notices("alice", limit=9, before=newest.id)] == [
        middle.id,
        oldest.id,
    ]
    office.desk.remove(jobs[0], "alice")
    telling.read("alice", None)
    assert telling.unread("alice") == []
    assert len(telling.notices("alice", limit=9)) == 2


# --------------------------------------------------------------------------------- webhooks


def test_a_webhook_is_told_what_it_asks_for(office: Office, hooks: Webhooks, out: Deliveries) -> None:
    hook = add(hooks, kinds=frozenset({Lane.BATCH}), outcomes=frozenset({JobState.FAILED}))
    paused = add(hooks)
    hooks.change(paused.id, "alice", active=False)
    job = end(office, Lane.BATCH, JobState.FAILED)
    end(office, Lane.BATCH, JobState.SUCCEEDED)
    end(office, Lane.TRAIN, JobState.FAILED)
    end(office, Lane.BATCH, JobState.FAILED, "bob")
    (message,) = out.claim(9)
    assert (message.webhook, message.url, message.attempt) == (hook.id, URL, 1)
    assert json.loads(message.body)["data"] == {
        "id": job, "kind": "batch", "task": "double", "title": "batch of alice", "state": "failed",
        "error": "It broke.",
    }  # fmt: skip


def test_webhooks_are_their_owners(hooks: Webhooks) -> None:
    mine = add(hooks)
    for verb in (hooks.get, hooks.remove, hooks.test, hooks.log):
        with pytest.raises(NotFound):
            verb(mine.id, "bob")
    with pytest.raises(NotFound):
        hooks.change(mine.id, "bob", active=False)
    with pytest.raises(NotFound):
        hooks.replay(mine.id, "bob", hooks.test(mine.id, "alice"))
    assert hooks.list("bob") == []


def test_webhooks_are_checked_when_they_are_saved(hooks: Webhooks) -> None:
    mine = add(hooks)
    for changes, pointer in (
        ({"url": "https://10.0.0.1/"}, "/url"), ({"name": "x" * 201}, "/name"), ({"kinds": frozenset()}, "/kinds"),
        ({"outcomes": frozenset({JobState.QUEUED})}, "/outcomes"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            hooks.change(mine.id, "alice", **changes)
        assert refused.value.faults[0].pointer == pointer
    for _ in range(MOST - 1):
        add(hooks)
    with pytest.raises(Conflict):
        add(hooks)


# -------------------------------------------------------------------------------- deliveries


def claimed(out: Deliveries) -> Outgoing:
    (message,) = out.claim(9)
    return message


def let_pass(office: Office, **time: float) -> None:
    """Let time pass for everything that waits."""
    earlier = timedelta(**time)

    def write(connection: sa.Connection) -> None:
        for row in connection.execute(
            sa.select(deliveries).where(deliveries.c.next_at.is_not(None))
        ).mappings():
            change = sa.update(deliveries).where(deliveries.c.id == row["id"])
            connection.execute(change.values(next_at=row["next_at"] - earlier))
        for row in connection.execute(sa.select(webhooks)).mappings():
            if row["failing_since"] is not None:
                change = sa.update(webhooks).where(webhooks.c.id == row["id"])
                connection.execute(change.values(failing_since=row["failing_since"] - earlier))

    office.database.write(write)


def test_what_is_claimed_is_nobody_elses_until_its_sender_is_lost(
    office: Office, hooks: Webhooks, out: Deliveries
) -> None:
    hooks.test(add(hooks).id, "alice")
    first = claimed(out)
    assert out.claim(9) == []
    let_pass(office, seconds=61)
    second = claimed(out)
    assert (second.id, second.attempt) == (first.id, 2)
    out.settle(first, Result(status=200))  # the first comes back late: it is no longer its
    out.settle(second, Result(error="No."))
    (entry,) = hooks.log(second.webhook or "", "alice")
    assert (entry.state, entry.error, entry.attempts) == ("waiting", "No.", 2)


def test_tries_lie_ever_further_apart_and_end(office: Office, hooks: Webhooks, out: Deliveries) -> None:
    hook = add(hooks)
    hooks.test(hook.id, "alice")
    pauses: list[float] = []
    for _ in range(10):
        message = claimed(out)
        out.settle(message, Result(error="No.", status=500))
        due_s = out.next_due_s()
        if due_s is not None:
            pauses.append(due_s)
            let_pass(office, seconds=due_s + 1)
    assert len(pauses) == 9
    assert pauses[0] < 6
    assert pauses == sorted(pauses)
    assert 3 * 24 * 3600 < sum(pauses) < 4 * 24 * 3600
    (entry,) = hooks.log(hook.id, "alice")
    assert (entry.state, entry.attempts, entry.status) == ("given_up", 10, 500)


def test_a_webhook_that_fails_for_days_is_paused_and_its_owner_told(
    office: Office, hooks: Webhooks, telling: Telling, out: Deliveries
) -> None:
    hook = add(hooks, name="shop")
    hooks.test(hook.id, "alice")
    out.settle(claimed(out), Result(error="It answered 500.", status=500))
    assert hooks.get(hook.id, "alice").failing_since is not None
    assert telling.notices("alice", limit=9) == []
    let_pass(office, days=4)
    out.settle(claimed(out), Result(error="It answered 500.", status=500))
    assert not hooks.get(hook.id, "alice").active
    (notice,) = telling.notices("alice", limit=9)
    assert "shop" in notice.title
    assert "500" in (notice.reason or "")
    with pytest.raises(Conflict):
        hooks.test(hook.id, "alice")
    assert hooks.change(hook.id, "alice", active=True).failing_since is None


def test_one_that_says_it_is_gone_is_paused_at_once(hooks: Webhooks, out: Deliveries) -> None:
    hook = add(hooks)
    hooks.test(hook.id, "alice")
    out.settle(claimed(out), Result(error="It answered 410.", status=GONE, is_final=True))
    assert not hooks.get(hook.id, "alice").active


def test_what_arrives_clears_the_record(hooks: Webhooks, out: Deliveries) -> None:
    hook = add(hooks)
    hooks.test(hook.id, "alice")
    out.settle(claimed(out), Result(error="No."))
    again = hooks.replay(hook.id, "alice", hooks.log(hook.id, "alice")[0].id)
    message = claimed(out)
    assert message.id == again
    out.settle(message, Result(status=204, took_ms=3))
    assert hooks.get(hook.id, "alice").failing_since is None
    newest = hooks.log(hook.id, "alice")[0]
    assert (newest.state, newest.status, newest.took_ms, newest.next_at) == ("sent", 204, 3, None)


def test_old_ones_are_forgotten(office: Office, hooks: Webhooks, telling: Telling, out: Deliveries) -> None:
    hook = add(hooks)
    end(office, Lane.BATCH, JobState.SUCCEEDED)
    out.settle(claimed(out), Result(status=200))
    out.prune()
    assert len(telling.notices("alice", limit=9)) == len(hooks.log(hook.id, "alice")) == 1
    long_ago = datetime.now(UTC) - timedelta(days=31)
    office.database.write(lambda c: c.execute(sa.update(deliveries).values(created_at=long_ago)))
    out.prune()
    assert hooks.log(hook.id, "alice") == []


def test_a_great_many_are_forgotten_some_at_a_time(
    office: Office, telling: Telling, out: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontdesk.desk.deliveries._PRUNED_AT_ONCE", 2)
    for _ in range(5):
        end(office, Lane.BATCH, JobState.SUCCEEDED)
    long_ago = datetime.now(UTC) - timedelta(days=31)
    kept = telling.notices("alice", limit=9)[0].id
    office.database.write(
        lambda c: c.execute(sa.update(notices).where(notices.c.id != kept).values(at=long_ago))
    )
    out.prune()
    assert [notice.id for notice in telling.notices("alice", limit=9)] == [kept]
