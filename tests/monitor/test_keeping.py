"""What is written down of many questions: counts of all, a sample of them, sums of what is old."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from frontdesk.catalog.profile_rows import Profiles
from frontdesk.catalog.profiles import profile
from frontdesk.declare.kinds import Field, Number
from frontdesk.declare.output_kinds import ClassificationOut, Output
from frontdesk.declare.signature import ModelCard, Signature, TaskCard
from frontdesk.errors import NotFound, StoreUnavailable
from frontdesk.monitor import feedback
from frontdesk.monitor.collector import Collector
from frontdesk.monitor.figures import Span
from frontdesk.monitor.judging import Judgement
from frontdesk.monitor.keeping import Keeper, KeepLimits, Seen
from frontdesk.monitor.monitor import Monitor
from frontdesk.monitor.receipts import Receipts, made_at
from frontdesk.monitor.tallies import BOUNDS_S, Tally, quantile_s
from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.monitor_tables import periods, predictions
from frontdesk.store.tables import versions

KEY = ("iris", "net", 1)
NOW = datetime(2026, 3, 4, 12, 30, 30, tzinfo=UTC)
ANSWER = b'{"answer":{"label":"a","scores":[{"label":"a","score":0.7},{"label":"b","score":0.3}]}}'
INPUTS = (Field(name="x", kind=Number()),)


def card(**model: bool) -> TaskCard:
    return TaskCard(
        name="iris", title="Iris", source="", models=(ModelCard(name="net", title="Net", **model),),
        signature=Signature(inputs=INPUTS, outputs=(Output(kind=ClassificationOut()),)),
    )  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "d.db")
    database.migrate()
    yield database
    database.close()


def monitor(database: Database, rows_a_day: int = 10_000, rows: int = 100_000, days: float = 90) -> Monitor:
    return Monitor(database, "rows", rows_a_day, rows, days)


def seen(number: int, at: datetime, *, is_wanted: bool = False, x: float = 1.0) -> list[Seen]:
    return [Seen(new_id(), "me", at.timestamp(), 0.01, {"x": x}, ANSWER, is_wanted) for _ in range(number)]


def tally(number: int, seconds: float = 0.01) -> Tally:
    made = Tally()
    for _ in range(number):
        made.took(seconds)
    return made


def rows(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


# ------------------------------------------------------------------------------------- counts


def test_a_quantile_is_within_a_tenth() -> None:
    times = [0.001 * 1.05**step for step in range(100)]
    made = Tally()
    for seconds in times:
        made.took(seconds)
    for share in (0.5, 0.95, 0.99):
        assert made.quantile_s(share) == pytest.approx(times[int(share * 100) - 1], rel=0.1)
    assert Tally().quantile_s(0.5) is None
    assert quantile_s({len(BOUNDS_S): 1}, 0.5) == BOUNDS_S[-1]


def test_every_answer_is_counted_and_a_few_are_looked_into(database: Database) -> None:
    async def ask() -> None:
        watch = monitor(database)
        collector = watch.collector({"iris": card()})
        collector.receipts.prepare()
        for number in range(5000):
            collector.answered("me", KEY, 0.002, {"x": float(number)}, ANSWER)
        collector.failed("iris", "net")
        await collector.flush()
        await collector.flush()
        figures = watch.watching.figures("iris", Span.HOUR)
        assert (figures.answers, figures.errors, figures.looked_at) == (5000, 1, 100)
        assert [one.total for one in figures.versions] == [5000]
        assert sum(figures.classes["a"]) == 100
        assert figures.latency.p99 == pytest.approx(0.002, rel=0.1)

    asyncio.run(ask())
    assert rows(database, periods) == 2


def test_what_people_ask_is_kept_although_programs_ask_much(database: Database) -> None:
    async def ask() -> str:
        collector = monitor(database).collector({"iris": card()})
        collector.receipts.prepare()
        for _ in range(1000):
            collector.answered("program", KEY, 0.002, {"x": 1.0}, ANSWER)
        wanted = collector.answered("person", KEY, 0.002, {"x": 1.0}, ANSWER, is_wanted=True)
        await collector.flush()
        return wanted

    wanted = asyncio.run(ask())
    with database.read() as connection:
        assert (
            connection.execute(sa.select(predictions.c.owner).where(predictions.c.id == wanted)).scalar()
            == "person"
        )


def test_the_questions_of_a_model_that_does_not_collect_are_only_counted(database: Database) -> None:
    async def ask() -> None:
        watch = monitor(database)
        collector = watch.collector({"iris": card(collects=False)})
        collector.receipts.prepare()
        for _ in range(10):
            collector.answered("me", KEY, 0.002, {"x": 1.0}, ANSWER, is_wanted=True)
        await collector.flush()
        figures = watch.watching.figures("iris", Span.HOUR)
        assert (figures.answers, figures.looked_at, figures.classes) == (10, 0, {})

    asyncio.run(ask())
    assert rows(database, predictions) == 0


def test_nothing_is_counted_when_it_is_off(database: Database) -> None:
    async def ask() -> str:
        collector = Monitor(database, "off", 1, 1, 1).collector({"iris": card()})
        collector.receipts.prepare()
        prediction = collector.answered("me", KEY, 0.002, {"x": 1.0}, ANSWER)
        collector.failed("iris", "net")
        await collector.flush()
        return prediction

    prediction = asyncio.run(ask())
    assert rows(database, periods) == rows(database, predictions) == 0
    watch = Monitor(database, "off", 1, 1, 1)
    watch.receipts.prepare()
    assert watch.feedback.find(prediction, "me", [KEY]).said is None


def test_the_room_for_questions_grows_with_the_day(database: Database) -> None:
    keeper = Keeper(database, {"iris": card()}, KeepLimits(rows_a_day=1000))
    keeper.keep({KEY: tally(500)}, {KEY: seen(500, NOW)}, NOW.timestamp())
    assert rows(database, predictions) == 100
    later = NOW + timedelta(hours=1)
    keeper.keep({KEY: tally(500)}, {KEY: seen(500, later)}, later.timestamp())
    assert rows(database, predictions) == pytest.approx(100 + 1000 / 24, abs=1)
    keeper.keep({KEY: tally(5)}, {KEY: seen(5, later, is_wanted=True)}, later.timestamp())
    assert rows(database, predictions) == pytest.approx(105 + 1000 / 24, abs=1)


def test_counts_wait_for_a_database_that_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper(database, {"iris": card()}, KeepLimits())

    def refuse(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(database, "write", refuse)
        with pytest.raises(OSError, match="full"):
            keeper.keep({KEY: tally(3)}, {KEY: seen(3, NOW)}, NOW.timestamp())
    later = NOW + timedelta(minutes=2)
    keeper.keep({KEY: tally(4)}, {}, later.timestamp())
    figures = monitor(database).watching.figures("iris", Span.HOUR, now=later)
    assert figures.answers == 7
    assert figures.versions[0].counts[-3:] == [3, 0, 4]


def test_several_processes_write_the_same_minute_without_losing_any(database: Database) -> None:
    def work() -> None:
        keeper = Keeper(database, {"iris": card()}, KeepLimits())
        for _ in range(20):
            keeper.keep({KEY: tally(5)}, {}, NOW.timestamp())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert monitor(database).watching.figures("iris", Span.HOUR, now=NOW).answers == 400
    assert rows(database, periods) == 4


# -------------------------------------------------------------------------------------- drift


def test_inputs_are_compared_in_the_bins_of_what_was_learned_from(database: Database) -> None:
    learned = profile(
        INPUTS, {"x": [float(n) for n in range(100)]}, ["a", "b"], profile_id="p", source="training"
    )
    assert learned is not None
    Profiles(database).put(*KEY, learned)
    keeper = Keeper(database, {"iris": card()}, KeepLimits())
    keeper.keep({KEY: tally(50)}, {KEY: seen(50, NOW, x=5000.0)}, NOW.timestamp())
    figures = monitor(database).watching.figures("iris", Span.DAY, now=NOW)
    assert figures.profile == learned
    (drift,) = figures.drift
    assert (drift.name, drift.verdict.value, drift.count) == ("x", "shifted", 50)
    assert drift.asked[-1] == 1.0
    other = profile(INPUTS, {"x": [1.0, 2.0]}, None, profile_id="q", source="questions")
    assert other is not None
    Profiles(database).put(*KEY, other)
    assert monitor(database).watching.figures("iris", Span.DAY, now=NOW).drift[0].count == 0


# ----------------------------------------------------------------------------------- sweeping


def test_old_minutes_become_hours_and_old_hours_days_and_no_answer_is_lost(database: Database) -> None:
    keeper = Keeper(database, {"iris": card()}, KeepLimits())
    begin = NOW - timedelta(days=12)
    for step in range(12 * 24 * 2):
        at = begin + timedelta(minutes=30 * step)
        keeper.keep({KEY: tally(10)}, {KEY: seen(1, at)}, at.timestamp())
    watch = monitor(database)
    before = {span: watch.watching.figures("iris", span, now=NOW) for span in Span}
    watch.sweeps.sweep(NOW)
    watch.sweeps.sweep(NOW)
    assert rows(database, periods) < 12 + 10 * 24 + 10
    for span, figures in before.items():
        after = watch.watching.figures("iris", span, now=NOW)
        assert (after.answers, after.versions) == (figures.answers, figures.versions), span
    assert watch.watching.figures("iris", Span.MONTH, now=NOW).answers == 12 * 24 * 2 * 10


def test_what_is_too_old_or_too_much_goes(database: Database) -> None:
    keeper = Keeper(database, {"iris": card()}, KeepLimits())
    old = NOW - timedelta(days=100)
    for at in (old, NOW):
        keeper.keep({KEY: tally(30)}, {KEY: seen(30, at)}, at.timestamp())
    monitor(database, rows=20).sweeps.sweep(NOW)
    with database.read() as connection:
        kept = connection.execute(sa.select(predictions.c.at)).scalars().all()
        counted = connection.execute(sa.select(periods.c.at)).scalars().all()
    assert len(kept) == 20
    assert min(kept) > old
    assert min(counted) > old


# ----------------------------------------------------------------------------------- feedback


def test_an_id_proves_whose_it_is_and_of_what(database: Database) -> None:
    receipts, other = Receipts(database), Receipts(database)
    receipts.prepare()
    other.prepare()
    prediction = receipts.new("ann", KEY)
    keys = [("iris", "net", 2), KEY]
    assert other.key_of(prediction, "ann", keys) == KEY
    assert other.key_of(prediction, "bob", keys) is None
    assert other.key_of(prediction, "ann", keys[:1]) is None
    assert other.key_of(new_id(), "ann", keys) is None
    at = made_at(prediction)
    assert at is not None
    assert abs(at.timestamp() - time.time()) < 5
    assert made_at("nonsense") is made_at("{" + prediction + "}") is None
    assert made_at("ffffffff-ffff-7fff-bfff-ffffffffffff") is None
    assert len({receipts.new("ann", KEY) for _ in range(10_000)}) == 10_000


def test_feedback_is_found_given_changed_and_counted(database: Database) -> None:
    watch = monitor(database)
    watch.receipts.prepare()
    keeper = Keeper(database, {"iris": card()}, KeepLimits())
    (kept,) = seen(1, NOW)
    keeper.keep({KEY: tally(1)}, {KEY: [kept]}, NOW.timestamp())
    with pytest.raises(NotFound):
        watch.feedback.find(kept.id, "somebody else", [KEY])
    asked = watch.feedback.find(kept.id, "me", [])
    assert asked.said is not None
    assert asked.said["answer"].answer == "a"
    watch.feedback.give(asked, Judgement(is_right=True, truth={"answer": "a"}))
    watch.feedback.give(asked, Judgement(is_right=False, truth={"answer": "b"}))
    given = watch.feedback.given(kept.id, "me")
    assert given is not None
    assert (given.is_right, given.truth) == (False, {"answer": "b"})
    (right,) = watch.feedback.rightness("iris", NOW - timedelta(days=1), 3600, None, None)
    assert (right.at, right.count, right.right) == (NOW.replace(minute=0, second=0), 1, 0)
    assert watch.feedback.rightness("iris", NOW - timedelta(days=1), 3600, "net", 2) == []
    assert (watch.collected.kept("iris").rows, watch.collected.kept("iris").true) == (1, 1)
    assert watch.collected.delete("iris") == 1
    assert watch.feedback.given(kept.id, "me") is None


def made(database: Database, number: int, at: datetime) -> None:
    row = {
        "id": str(uuid.UUID(int=(int(at.timestamp() * 1000) << 80) + number)), "task": "iris", "model": "net",
        "number": number, "metrics": {}, "parameters": {}, "is_live": False, "created_at": at,
    }  # fmt: skip
    database.write(lambda connection: connection.execute(sa.insert(versions).values(row)))


def test_a_prediction_is_looked_for_among_the_last_versions_before_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "VERSIONS_TRIED", 3)
    watch, now = monitor(database), datetime.now(UTC)
    watch.receipts.prepare()
    for number in range(1, 6):
        made(database, number, now - timedelta(days=6 - number))
    for number in range(6, 16):  # since, and no concern of a prediction of today
        made(database, number, now + timedelta(days=number))
    by_fifth, by_first = (watch.receipts.new("me", ("iris", "net", number)) for number in (5, 1))
    assert watch.feedback.find(by_fifth, "me", []).version == 5
    assert watch.feedback.find(by_first, "me", [("iris", "net", 1)]).version == 1
    with pytest.raises(NotFound):
        watch.feedback.find(by_first, "me", [])
    with database.read() as connection:
        asked = feedback._made_before(now).compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
    assert [row.detail.split(" (")[0] for row in plan] == [
        "SEARCH versions USING INDEX sqlite_autoindex_versions_1"
    ]


def test_it_reads_a_month_of_a_busy_task_from_few_rows(database: Database) -> None:
    """Millions of predictions are some hundreds of rows."""
    keeper = Keeper(database, {"iris": card()}, KeepLimits())
    busy = tally(100_000)
    for day in range(30):
        at = NOW - timedelta(days=day)
        keeper.keep({KEY: busy}, {}, at.timestamp())
    monitor(database).sweeps.sweep(NOW)
    figures = monitor(database).watching.figures("iris", Span.MONTH, now=NOW)
    assert figures.answers == 3_000_000
    assert rows(database, periods) <= 30


def test_a_collector_writes_its_last_second_when_it_ends(database: Database) -> None:
    async def ask() -> None:
        collector: Collector = monitor(database).collector({"iris": card()})
        collector.receipts.prepare()
        keeping = asyncio.create_task(collector.keep_up())
        await asyncio.sleep(0.2)
        collector.answered("me", KEY, 0.002, {"x": 1.0}, ANSWER)
        keeping.cancel()
        await asyncio.wait({keeping})

    asyncio.run(ask())
    assert rows(database, predictions) == 1


def test_a_worker_counts_although_the_database_was_away_when_it_began(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> None:
        collector: Collector = monitor(database).collector({"iris": card()})
        with monkeypatch.context() as away:
            away.setattr(database, "read", unavailable)
            away.setattr(database, "write", unavailable)
            keeping = asyncio.create_task(collector.keep_up())
            await asyncio.sleep(0.2)
        collector.answered("me", KEY, 0.002, {"x": 1.0}, ANSWER, known_as=new_id())
        keeping.cancel()
        await asyncio.wait({keeping})

    asyncio.run(ask())
    assert rows(database, predictions) == 1


def unavailable(*_: object, **__: object) -> None:
    raise StoreUnavailable("The server's database is not there now.")


def test_counts_wait_for_a_database_that_is_away_for_reading_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper(database, {"iris": card()}, KeepLimits())
    keeper.keep({KEY: tally(1)}, {KEY: seen(1, NOW)}, NOW.timestamp())
    with monkeypatch.context() as away:
        away.setattr(keeper, "_known", {})
        away.setattr(database, "read", unavailable)
        away.setattr(database, "write", unavailable)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                keeper.keep({KEY: tally(5)}, {KEY: seen(1, NOW)}, NOW.timestamp())
    keeper.keep({KEY: tally(1)}, {}, NOW.timestamp())
    assert monitor(database).watching.figures("iris", Span.DAY, now=NOW).answers == 17


def test_a_job_that_is_answered_twice_is_kept_once_and_takes_nothing_else_along(database: Database) -> None:
    keeper = Keeper(database, {"iris": card()}, KeepLimits())
    job, other = new_id(), new_id()

    def seen(*ids: str) -> list[Seen]:
        return [Seen(one, "me", NOW.timestamp(), 0.01, {"x": 1.0}, ANSWER, False) for one in ids]

    keeper.keep({KEY: tally(1)}, {KEY: seen(job)}, NOW.timestamp())
    keeper.keep({KEY: tally(3)}, {KEY: seen(job, other, other)}, NOW.timestamp())
    assert rows(database, predictions) == 2
    assert monitor(database).watching.figures("iris", Span.DAY, now=NOW).answers == 4
