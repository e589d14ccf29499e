"""What several do at the same time, on servers that let them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from frontdesk.access.audit import By
from frontdesk.access.gate import Gate
from frontdesk.access.rules import Role
from frontdesk.catalog.artifacts import FolderArtifacts
from frontdesk.catalog.profile_rows import Profiles
from frontdesk.catalog.profiles import Profile
from frontdesk.catalog.versions import Versions
from frontdesk.desk import leasing, submitting
from frontdesk.desk.engine import QuietEngine
from frontdesk.desk.job import Lane
from frontdesk.desk.limits import DeskLimits
from frontdesk.desk.queue import Desk, JobFilters
from frontdesk.desk.schedules import ScheduleKind, Schedules, Work
from frontdesk.desk.telling import add_notice
from frontdesk.errors import Conflict, FrontdeskError, NotFound, QuotaExceeded, TooManyRequests
from frontdesk.store import stream
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.clock import now
from frontdesk.store.database import Database
from frontdesk.store.files import StoredFiles
from frontdesk.store.tables import jobs, turns
from frontdesk.store.turns import take
from support.desk_jobs import new_job
from support.servers.mariadb import MariaDb
from support.servers.postgres import Postgres

T = TypeVar("T")


def desk_on(database: Database, folder: Path) -> Desk:
    return Desk(database, QuietEngine(), DeskLimits(), StoredFiles(database, FolderBlobs(folder)))


def at_once(calls: Sequence[Callable[[], T]]) -> list[T | FrontdeskError]:
    """Call all of them in the same moment; give what each gave or raised."""
    start = threading.Barrier(len(calls))

    def call(one: Callable[[], T]) -> T | FrontdeskError:
        start.wait()
        try:
            return one()
        except FrontdeskError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


@pytest.fixture
def desks(database: Database, other: Database, tmp_path: Path) -> tuple[Desk, Desk]:
    """As two processes have them."""
    return desk_on(database, tmp_path), desk_on(other, tmp_path)


# ------------------------------------------------------------------------------- taking on


def test_of_requests_alike_at_once_one_makes_the_job(desks: tuple[Desk, Desk]) -> None:
    made = at_once([lambda n=n: desks[n % 2].submit(new_job(fingerprint="same")) for n in range(16)])
    assert len({one.job.id for one in made}) == 1
    assert sum(one.is_new for one in made) == 1


def test_of_requests_with_one_key_at_once_one_makes_the_job(desks: tuple[Desk, Desk]) -> None:
    new = new_job(fingerprint="same", idempotency_key="key")
    made = at_once([lambda n=n: desks[n % 2].submit(new) for n in range(16)])
    assert len({one.job.id for one in made}) == 1
    adopted = at_once([lambda n=n: desks[n % 2].adopt(new, "web", 10) for n in range(4)])
    assert all(isinstance(one, Conflict) for one in adopted)


def test_no_more_jobs_wait_than_may(desks: tuple[Desk, Desk]) -> None:
    made = at_once(
        [lambda n=n: desks[n % 2].submit(new_job(fingerprint=str(n), waiting_limit=5)) for n in range(16)]
    )
    refused = [one for one in made if isinstance(one, TooManyRequests)]
    assert len(refused) == 11
    assert desks[0].counts()["predict"]["queued"] == 5


def test_each_job_of_an_owner_has_a_turn_of_its_own(desks: tuple[Desk, Desk], database: Database) -> None:
    at_once([lambda n=n: desks[n % 2].submit(new_job(fingerprint=str(n))) for n in range(16)])
    with database.read() as connection:
        assert sorted(connection.execute(sa.select(jobs.c.turn)).scalars()) == list(range(16))


def test_one_that_is_refused_takes_nobody_along_who_was_written_with_it(
    desks: tuple[Desk, Desk], database: Database
) -> None:
    """All of them wait for a turn that somebody has, and so are one transaction at first."""
    start, may_end = threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> None:
        take(connection, ["alice"])
        start.set()
        assert may_end.wait(10)

    with ThreadPoolExecutor(10) as pool:
        held = pool.submit(database.write, hold)
        assert start.wait(10)
        new = [new_job(fingerprint=str(n), files=("no such file",) if n % 2 else ()) for n in range(8)]
        made = [pool.submit(desks[0].submit, one) for one in new]
        others = pool.submit(desks[0].submit, new_job(owner="bob"))
        assert others.result(10).is_new, "another owner does not wait"
        assert not any(one.done() for one in made)
        may_end.set()
        held.result(10)
        refused = [one for one in made if isinstance(one.exception(10), NotFound)]
        assert refused == made[1::2]
        accepted = [one.result(10).job.id for one in made[::2]]
    listed = desks[1].list("alice", JobFilters(), limit=10).items
    assert {job.id for job in listed} == set(accepted)
    told = [event.job for event in desks[1].events("alice", None, after=0, limit=20)]
    assert sorted(told) == sorted(accepted)


# --------------------------------------------------------------------------- work in hand


def test_two_open_claims_take_different_jobs_and_wait_for_nothing(
    desks: tuple[Desk, Desk], database: Database, other: Database
) -> None:
    made = [desks[0].submit(new_job(fingerprint=str(n))).job.id for n in range(4)]
    first_has_its_jobs, second_is_through = threading.Event(), threading.Event()

    def first(connection: sa.Connection) -> list[str]:
        taken = leasing.claim(connection, "one", {Lane.PREDICT: 2}, 10)
        first_has_its_jobs.set()
        assert second_is_through.wait(10), "the second claim waited for the first"
        return [lease.job.id for lease in taken]

    def second(connection: sa.Connection) -> list[str]:
        assert first_has_its_jobs.wait(10)
        taken = leasing.claim(connection, "two", {Lane.PREDICT: 2}, 10)
        second_is_through.set()
        return [lease.job.id for lease in taken]

    taken = at_once([lambda: database.write(first), lambda: other.write(second)])
    assert taken == [made[:2], made[2:]]


@pytest.mark.parametrize("over", [0, 5000])
def test_no_line_is_read_whole_however_long_it_grew_since_anybody_counted(
    server: Postgres | MariaDb, desks: tuple[Desk, Desk], database: Database, over: int
) -> None:
    job = desks[0].submit(new_job()).job
    with database.read() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.id == job.id)).mappings().one()
    _insert(database, row, range(over), state="succeeded")
    database.write(
        lambda c: c.exec_driver_sql(f"ANALYZE {'' if isinstance(server, Postgres) else 'TABLE '}jobs")
    )
    _insert(database, row, range(over, over + 3000))

    claimed = _plan(database, lambda c: leasing.claim(c, "w", {Lane.PREDICT: 5}, 10))
    assert any("jobs_waiting" in line or "jobs_in_line" in line for line in claimed), claimed
    submitted = _plan(database, lambda c: submitting.fair_turn(c, Lane.PREDICT, "alice"))
    for line in claimed + submitted:
        assert not any(
            word in line for word in ("Sort", "filesort", "Aggregate", "Seq Scan", "jobs_by_state")
        ), line


def _insert(database: Database, row: sa.RowMapping, numbers: range, **values: object) -> None:
    many = [{**row, **values, "id": f"{n:036}", "turn": n, "idempotency_key": None} for n in numbers]
    if many:
        database.write(lambda c: c.execute(sa.insert(jobs), many))


def _plan(database: Database, verb: Callable[[sa.Connection], object]) -> list[str]:
    """What the server means to do for the first question of this verb."""
    plans: list[str] = []

    def explain(connection: sa.Connection) -> None:
        asked: list[tuple[str, Any]] = []
        sa.event.listen(
            connection, "before_cursor_execute", lambda c, cu, text, values, *_: asked.append((text, values))
        )
        assert verb(connection)
        text, values = next(entry for entry in asked if entry[0].startswith("SELECT"))
        for line in connection.exec_driver_sql(f"EXPLAIN {text}", values):
            columns = [str(part) for part in line]
            del columns[4:5]  # MariaDB names there every index it thought of
            plans.append(" ".join(columns))

    database.write(explain)
    return plans


def test_a_lease_that_was_taken_back_in_the_same_moment_is_settled_or_given_again_but_not_both(
    desks: tuple[Desk, Desk], database: Database
) -> None:
    for n in range(5):
        job = desks[0].submit(new_job(fingerprint=str(n))).job
        (lease,) = desks[0].claim("worker", {Lane.PREDICT: 1})
        lost, taken = at_once(
            [
                lambda lease=lease: desks[0].settle([(lease, b"{}", 1)], []),
                lambda: desks[1].reclaim_worker("worker"),
            ]
        )
        state = desks[0].get(job.id, None).state
        assert (state == "succeeded") == (not lost)
        assert (state == "queued") == (taken == [job.id])
        if state == "queued":
            desks[0].cancel(job.id, None)


# -------------------------------------------------------------------------------- events


def test_an_event_is_never_seen_after_one_with_a_higher_id(
    desks: tuple[Desk, Desk], database: Database, other: Database
) -> None:
    """The commit of the first is held up just where a second one could overtake it."""
    first, second = (desks[0].submit(new_job(fingerprint=str(n))).job for n in range(2))
    start = desks[0].last_event("alice")
    is_written, second_ended = threading.Event(), threading.Event()

    def slow(connection: sa.Connection) -> None:
        stream.append(connection, [_event(connection, first.id)])
        stream.finish(connection)  # its id is given
        is_written.set()
        second_ended.wait(1)  # it cannot have: it waits for this one

    def quick(connection: sa.Connection) -> None:
        assert is_written.wait(10)
        stream.append(connection, [_event(connection, second.id)])

    def second_writes() -> None:
        other.write(quick)
        second_ended.set()

    seen: list[str] = []

    def reads() -> None:
        after = start
        end = time.monotonic() + 20
        while len(seen) < 2 and time.monotonic() < end:
            for event in desks[1].events("alice", None, after=after, limit=10):
                seen.append(event.job)
                after = event.id

    at_once([lambda: database.write(slow), second_writes, reads])
    assert seen == [first.id, second.id]


def test_a_stream_that_is_read_while_many_write_misses_nothing(
    desks: tuple[Desk, Desk], database: Database
) -> None:
    seen: list[int] = []
    is_over = threading.Event()

    def read() -> None:
        after = 0
        while True:
            was_over = is_over.is_set()
            found = desks[1].events("alice", None, after=after, limit=50)
            seen.extend(event.id for event in found)
            after = found[-1].id if found else after
            if was_over and not found:
                return

    def submit(n: int) -> None:
        for k in range(15):
            desks[n % 2].submit(new_job(fingerprint=f"{n} {k}"))
            desks[n % 2].claim(f"w{n}", {Lane.PREDICT: 1})

    reader = threading.Thread(target=read)
    reader.start()
    at_once([lambda n=n: submit(n) for n in range(6)])
    is_over.set()
    reader.join()
    with database.read() as connection:
        there = list(connection.execute(sa.text("select id from events order by id")).scalars())
    assert seen == there
    assert len(there) >= 90


def _event(connection: sa.Connection, job: str) -> dict[str, Any]:
    return {"job": job, "owner": "alice", "event": "log", "data": {"text": "a"}, "at": now(connection)}


# ------------------------------------------------------------------- versions, people, clocks


def test_of_versions_that_come_at_once_one_is_live(
    database: Database, other: Database, tmp_path: Path
) -> None:
    both = [Versions(each, FolderArtifacts(tmp_path / "versions")) for each in (database, other)]

    def add(n: int) -> None:
        staged = tmp_path / str(n)
        staged.mkdir()
        both[n % 2].add("task", "model", staged, {}, {})

    at_once([lambda n=n: add(n) for n in range(8)])
    made = both[0].list("task", "model")
    assert [version.number for version in made] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert sum(version.is_live for version in made) == 1
    at_once([lambda n=n: both[n % 2].make_live("task", "model", n + 1) for n in range(8)])
    assert sum(version.is_live for version in both[0].list("task", "model")) == 1


def test_of_the_last_two_administrators_one_stays(database: Database, other: Database) -> None:
    gates, by = (Gate(database), Gate(other)), By("test")
    two = [gates[0].users.add(by, f"{name}@example.org", name, Role.ADMIN) for name in ("alice", "bob")]
    at_once([lambda n=n: gates[n].users.change(by, two[n].id, role=Role.VIEWER) for n in range(2)])
    assert sum(user.role is Role.ADMIN for user in gates[0].users.list()) == 1


def test_of_those_who_come_first_one_becomes_the_administrator(database: Database, other: Database) -> None:
    gates = (Gate(database), Gate(other))
    secret = gates[0].invitations.for_first()
    assert secret is not None
    came = at_once(
        [
            lambda n=n: gates[n % 2].invitations.accept(
                secret, f"a{n}@example.org", "", "correct horse battery", "::1"
            )
            for n in range(4)
        ]
    )
    assert sum(isinstance(one, NotFound) for one in came) == 3
    assert len(gates[0].users.list()) == 1


def test_attempts_to_sign_in_are_counted_together(database: Database, other: Database) -> None:
    gates = (Gate(database), Gate(other))
    tried = at_once([lambda n=n: gates[n % 2].throttle.begin("a@example.org", "::1") for n in range(14)])
    assert sum(isinstance(one, TooManyRequests) for one in tried) == 4


def test_a_schedule_that_is_due_is_taken_once(database: Database, other: Database) -> None:
    both = [Schedules(database), Schedules(other)]
    one = both[0].add("alice", "nightly", ScheduleKind.TRAIN, Work(task="t"), "0 0 * * *", "UTC")
    database.write(lambda c: c.execute(sa.text("update schedules set next_at = 1")))
    taken = at_once([lambda n=n: [due.id for due in both[n % 2].take_due()] for n in range(8)])
    assert [due for some in taken for due in some] == [one.id]


def test_who_collides_is_done_again_whole(database: Database, other: Database) -> None:
    """Two lock the same two rows, each in its own order: the server undoes one of them."""
    meet = threading.Barrier(2)
    tries: list[int] = []

    def write(order: tuple[int, int]) -> Callable[[sa.Connection], None]:
        is_first = [True]

        def locking(connection: sa.Connection) -> None:
            tries.append(order[0])
            add_notice(connection, "alice", f"from {order[0]}", "")
            for number in order:
                query = sa.select(turns).where(turns.c.number == number).with_for_update()
                connection.execute(query).all()
                if is_first and is_first.pop():
                    meet.wait(10)

        return locking

    at_once([lambda: database.write(write((1, 2))), lambda: other.write(write((2, 1)))])
    assert len(tries) == 3
    with database.read() as connection:
        assert connection.execute(sa.text("select count(*) from notices")).scalar() == 2


# --------------------------------------------------------------------------------- files


def test_uploads_at_once_do_not_together_exceed_what_one_may_store(
    database: Database, other: Database, tmp_path: Path
) -> None:
    stores = [StoredFiles(one, FolderBlobs(tmp_path)) for one in (database, other)]
    kept = at_once(
        [
            lambda n=n: stores[n % 2].add("alice", f"{n}", "text/plain", b"x" * 40, limit_bytes=100)
            for n in range(8)
        ]
    )
    assert sum(isinstance(one, QuotaExceeded) for one in kept) == 6
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 2, "bytes that were refused are gone"


# ------------------------------------------------------------------------------- profiles


def test_of_profiles_of_a_version_put_at_once_one_stays(database: Database, other: Database) -> None:
    profiles = [Profiles(one) for one in (database, other)]
    profile = Profile(id="one", source="file", count=1, inputs={})
    puts = [partial(profiles[n % 2].put, "double", "m", 1, profile) for n in range(8)]
    assert at_once(puts) == [None] * 8
    assert profiles[0].get("double", "m", 1) == profile
