"""Batch files through real hosts: what comes back, what is gone on with, what is kept of what failed."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from frontdesk.desk.batch import BatchOutputs, BatchPayload
from frontdesk.desk.job import Job, Lane, Lease
from frontdesk.run.batch import Batcher
from frontdesk.run.chunks import Chunks
from frontdesk.run.outcome import Failed, Finished, Outcome
from support.desks import Office, open_office
from support.hosts import House

Story = Callable[["Bench"], Awaitable[None]]


class Bench:
    """An office, a house, and who does batch jobs between them."""

    def __init__(self, office: Office, house: House) -> None:
        self.office, self.house = office, house
        self.folder = office.folder / "batches"
        self.batcher = Batcher(office.desk, office.files, house.cards, self.folder)

    def submit(self, content: str | bytes, task: str = "sum", **payload: Any) -> Job:
        data = content.encode() if isinstance(content, str) else content
        stored = self.office.files.add("alice", "in.csv", "text/csv", data)
        document = msgspec.json.encode(BatchPayload(**{"format": "csv", **payload}))
        return self.office.submit(
            kind=Lane.BATCH, task=task, model=task, payload=document, input_file=stored.id, title="in.csv"
        )

    def take(self) -> Lease:
        (lease,) = self.office.claim(1, "worker", [Lane.BATCH])
        return lease

    async def perform(self) -> tuple[Lease, Outcome]:
        lease = self.take()
        return lease, await self.batcher.perform(lease, self.house.client)

    async def done(
        self, content: str | bytes, task: str = "sum", **payload: Any
    ) -> tuple[list[list[str]], BatchOutputs]:
        self.submit(content, task, **payload)
        lease, outcome = await self.perform()
        assert isinstance(outcome, Finished), outcome
        self.office.desk.finish(lease, outcome.outputs, outcome.version)
        return self.result(lease.job.id), msgspec.json.decode(outcome.outputs, type=BatchOutputs)

    def result(self, job_id: str) -> list[list[str]]:
        file_id = self.office.desk.get(job_id, "alice").result_file
        assert file_id is not None
        return list(csv.reader(io.StringIO(self.office.files.read(file_id).decode())))


def batched(story: Story) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        async def tell() -> None:
            with open_office(tmp_path / "office") as office:
                async with House(tmp_path / "house", "rows.py") as house:
                    await story(Bench(office, house))

        asyncio.run(tell())

    run.__name__, run.__doc__ = story.__name__, story.__doc__
    return run


@batched
async def test_rows_come_back_as_they_were_with_their_answers(bench: Bench) -> None:
    rows, outputs = await bench.done('id,a,b,note\n007,1.5,2,"x, y"\n2,10,1,ü\n')
    assert rows == [
        ["id", "a", "b", "note", "prediction", "error"],
        ["007", "1.5", "2", "x, y", "3.5", ""],
        ["2", "10", "1", "ü", "11", ""],
    ]
    assert (outputs.rows, outputs.failed_rows, outputs.columns) == (2, 0, ["prediction", "error"])


@batched
async def test_a_row_without_an_answer_keeps_its_place_with_the_reason(bench: Bench) -> None:
    rows, outputs = await bench.done("a,b\n1,1\nx,1\n2000,1\n,1\n4,1,5\n5,1\n")
    assert [row[2] for row in rows[1:]] == ["2", "", "", "", "", "6"]
    reasons = [row[3] for row in rows[1:]]
    assert reasons[0] == reasons[5] == ""
    assert reasons[1] == "a: 'x': Must be a number."
    assert "at most 1000" in reasons[2]
    assert "empty" in reasons[3]
    assert "3 cells, the header 2" in reasons[4]
    assert outputs.failed_rows == 4


@batched
async def test_a_model_that_fails_on_some_rows_answers_the_others(bench: Bench) -> None:
    rows, _ = await bench.done("word\nhi\nrefuse\nraise\nlonger\n", "picky")
    assert rows[0] == ["word", "prediction", "score_long", "score_short", "error"]
    assert [row[1] for row in rows[1:]] == ["short", "", "", "long"]
    assert [row[4] for row in rows[1:]] == [
        "",
        "This word is refused.",
        "RuntimeError: this word is too much",
        "",
    ]


@batched
async def test_a_strict_job_fails_at_the_first_bad_row_and_keeps_what_it_had(bench: Bench) -> None:
    job = bench.submit("a\n" + "1\n" * 100 + "x\n" + "1\n" * 100, strict=True)
    lease, outcome = await bench.perform()
    assert isinstance(outcome, Failed)
    assert outcome.failure.reason == "Row 101: a: 'x': Must be a number."
    bench.office.desk.fail(lease, outcome.failure)
    kept = bench.result(job.id)
    assert kept[0] == ["a", "prediction", "error"]
    assert 0 < len(kept) - 1 <= 100


@batched
async def test_a_long_file_is_whole_and_in_order(bench: Bench) -> None:
    count = 120_000
    rows, outputs = await bench.done("n,a\n" + "".join(f"{n:06d},{n % 1000}\n" for n in range(count)))
    assert outputs.rows == count
    assert [row[0] for row in rows[1:]] == [f"{n:06d}" for n in range(count)]
    assert all(float(row[2]) == int(row[1]) + 1 for row in rows[1:])
    assert not any(bench.folder.iterdir())


@batched
async def test_what_was_answered_before_is_not_asked_again(bench: Bench) -> None:
    content = "a\n" + "".join(f"{n % 1000}\n" for n in range(5000))
    whole, _ = await bench.done(content)
    job = bench.submit(content)
    # An attempt before this one had come so far, and had answered in its own way.
    Chunks(bench.folder / f"{job.id}-0", 0).add({"prediction": [-1.0] * 1234}, {}, None, 1234)
    lease, outcome = await bench.perform()
    assert isinstance(outcome, Finished)
    resumed = bench.result(lease.job.id)
    assert [row[1] for row in resumed[1:1235]] == ["-1"] * 1234
    assert resumed[1235:] == whole[1235:]


@batched
async def test_a_row_that_kills_its_host_is_the_only_one_without_an_answer(bench: Bench) -> None:
    rows, outputs = await bench.done("word\n" + "hi\n" * 200 + "die\n" + "hi\n" * 205, "picky")
    assert outputs.failed_rows == 1
    assert [row[1] for row in rows[1:]] == ["short"] * 200 + [""] + ["short"] * 205
    assert "died" in rows[201][-1]


@batched
async def test_people_are_answered_while_a_file_is_worked_on(bench: Bench) -> None:
    bench.submit("word\n" + "slow\n" * 40, "picky")
    work = asyncio.create_task(bench.perform())
    await asyncio.sleep(1)
    async with asyncio.timeout(15):
        assert (await bench.house.ask("picky", word="hello"))["label"] == "long"
    assert not work.done()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


@batched
async def test_a_cancelled_job_ends_soon_and_keeps_what_it_had(bench: Bench) -> None:
    job = bench.submit("word\n" + "hi\n" * 32 + "slow\n" * 1000, "picky")
    work = asyncio.create_task(bench.perform())
    await bench.house.until(lambda: bench.office.desk.get(job.id, None).state.value == "running")
    await asyncio.sleep(1)
    bench.office.desk.cancel(job.id, "alice")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await bench.house.until(lambda: bench.office.desk.get(job.id, None).result_file is not None, 10)
    assert 32 <= len(bench.result(job.id)) - 1 < 1032


@batched
async def test_progress_is_told_in_rows(bench: Bench) -> None:
    job = bench.submit("a\n" + "1\n" * 1000)
    await bench.perform()
    told = [
        e.data for e in bench.office.desk.events(None, job.id, after=0, limit=100) if e.event == "progress"
    ]
    assert (told[-1]["done"], told[-1]["total"]) == (1000, 1000)
    assert "rows" in told[-1]["message"]


@batched
async def test_the_summary_counts_labels_and_shows_the_first_rows(bench: Bench) -> None:
    _, outputs = await bench.done("word\n" + "hi\nlonger\nlongest\n" * 50 + "raise\n", "picky")
    summary = outputs.summary
    assert summary.header == ["word", "prediction", "score_long", "score_short", "error"]
    assert summary.rows[0] == ["hi", "short", "0.5", "0.5", ""]
    assert summary.labels == {"long": 100, "short": 50}
    assert summary.uncertainty_is == "distance of the best score from 1"
    assert summary.uncertainty[:3] == [0.5, pytest.approx(1 / 6, abs=1e-6), pytest.approx(1 / 7, abs=1e-6)]


@batched
async def test_the_summary_of_numbers_is_a_histogram(bench: Bench) -> None:
    _, outputs = await bench.done("a\n" + "".join(f"{n % 100}\n" for n in range(1000)))
    histogram = outputs.summary.histogram
    assert histogram is not None
    assert (histogram.low, histogram.high, sum(histogram.counts)) == (1, 100, 1000)


@batched
async def test_an_excel_result_has_numbers_where_it_can_and_text_where_it_must(bench: Bench) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the second reader of Excel files is not installed")
    job = bench.submit("id,a,when\n007,1.5,2024-01-02\n008,2,=1+1\n", format="xlsx")
    await bench.perform()
    file_id = bench.office.desk.get(job.id, None).result_file
    assert file_id is not None
    assert bench.office.files.get(file_id).name == "in-predictions.xlsx"
    sheet = openpyxl.load_workbook(io.BytesIO(bench.office.files.read(file_id))).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["id", "a", "when", "prediction", "error"],
        ["007", 1.5, "2024-01-02", 2.5, None],
        ["008", 2, "=1+1", 3, None],
    ]
    assert sheet["C3"].data_type == "s"


@batched
async def test_others_work_on_while_its_file_is_fetched(bench: Bench) -> None:
    """Fetched from a bucket, a large file takes its time."""
    local, loop = bench.office.files.local, asyncio.get_running_loop()
    others_worked = threading.Event()

    def far_away(file_id: str) -> AbstractContextManager[Path]:
        loop.call_soon_threadsafe(others_worked.set)
        assert others_worked.wait(5), "the event loop stood still"
        return local(file_id)

    bench.office.files.local = far_away  # type: ignore[method-assign]
    rows, _ = await bench.done("a,b\n1,1\n")
    assert rows[1][2] == "2"
