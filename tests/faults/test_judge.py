"""A judge that cannot find anything is no judge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faults.judge import EventRow, JobRow, judge
from faults.ledger import Heard, Ledger, Promise


def a_good_night() -> tuple[Ledger, list[JobRow], list[EventRow]]:
    """Two jobs that went well, one of which was given to a second worker, and one that was cancelled."""
    ledger = Ledger(
        promises=[
            Promise("a", "key-a", "predict", (2.0,)),
            Promise("b", "key-b", "batch", (4.0, 6.0)),
            Promise("c", "key-c", "predict", (8.0,)),
        ],
        cancelled={"c"},
    )
    jobs = [
        JobRow("a", "key-a", "succeeded", None, (2.0,)),
        JobRow("b", "key-b", "succeeded", None, (4.0, 6.0)),
        JobRow("c", "key-c", "cancelled", None, None),
    ]
    lives = {
        "a": ["queued", "running", "succeeded"],
        "b": ["queued", "running", "queued", "running", "succeeded"],
        "c": ["queued", "cancelled"],
    }
    events = [
        EventRow(number, job, "state", state)
        for number, (job, state) in enumerate((job, state) for job in lives for state in lives[job])
    ]
    ledger.heard = [Heard(event.id, event.job, event.event) for event in events]
    return ledger, jobs, events


def test_it_finds_nothing_wrong_where_nothing_is() -> None:
    verdict = judge(*a_good_night())
    assert (verdict.acknowledged, verdict.lost, verdict.finished_twice, verdict.wrongs) == (3, 0, 0, ())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"state": "running"}, "is running still"),
        ({"state": "failed", "error": "a reason"}, "failed: a reason"),
        ({"answers": (4.0,)}, "answers (4.0,), not (4.0, 6.0)"),
        ({"answers": None}, "answers None"),
        ({"state": "cancelled"}, "is cancelled, and cancelled it was False"),
        ({"key": "key-a"}, "2 jobs were made for the key key-a"),
    ],
)
def test_it_finds_a_job_that_ended_badly(change: dict[str, object], expected: str) -> None:
    ledger, jobs, events = a_good_night()
    jobs[1] = replace(jobs[1], **change)  # type: ignore[arg-type]
    assert any(expected in wrong for wrong in judge(ledger, jobs, events).wrongs)


def test_it_finds_a_job_that_is_gone() -> None:
    ledger, jobs, events = a_good_night()
    verdict = judge(ledger, jobs[1:], events)
    assert verdict.lost == 1
    assert "job a was acknowledged and does not exist" in verdict.wrongs


def test_it_finds_a_job_that_ended_twice() -> None:
    ledger, jobs, events = a_good_night()
    events.append(EventRow(99, "a", "state", "failed"))
    ledger.heard.append(Heard(99, "a", "state"))
    verdict = judge(ledger, jobs, events)
    assert verdict.finished_twice == 1
    assert "the states of job a were queued running succeeded failed" in verdict.wrongs


def test_it_finds_what_a_stream_left_out_repeated_or_made_up() -> None:
    ledger, jobs, events = a_good_night()
    whole = list(ledger.heard)
    ledger.heard = whole[:3] + whole[4:]
    assert "the live stream left out 1 events, the first 3" in judge(ledger, jobs, events).wrongs
    ledger.heard = [*whole, whole[-1]]
    assert any("again (1 of" in wrong for wrong in judge(ledger, jobs, events).wrongs)
    ledger.heard = [*whole, Heard(500, "a", "state", "running")]
    assert judge(ledger, jobs, events).wrongs == ()
    ledger.heard = [*whole, Heard(500, "a", "state", "succeeded")]
    assert any("that nobody wrote, the first 500" in wrong for wrong in judge(ledger, jobs, events).wrongs)
    ledger.heard = []
    assert "the live stream never told of anything" in judge(ledger, jobs, events).wrongs
