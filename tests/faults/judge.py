"""The judge: what the rows say, past all code of ours, beside what was acknowledged."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faults.ledger import Heard, Ledger

FINAL = frozenset({"succeeded", "failed", "cancelled"})

# A job waits, is taken, perhaps given back and taken again, and ends once.
_A_LIFE = re.compile(r"queued( running queued)*( running)? (succeeded|failed|cancelled)")


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as the table has it; `answers` are what its result says."""

    id: str
    key: str
    state: str
    error: str | None
    answers: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as the table has it; `state` for those that tell of one."""

    id: int
    job: str
    event: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts for the last line, and a sentence for each thing that is wrong."""

    acknowledged: int
    lost: int
    finished_twice: int
    wrongs: tuple[str, ...]


def judge(ledger: Ledger, jobs: Sequence[JobRow], events: Sequence[EventRow]) -> Verdict:
    """Compare. `events` are in the order of their ids."""
    by_id = {job.id: job for job in jobs}
    wrongs = list(ledger.surprises)
    lost = [promise.job for promise in ledger.promises if promise.job not in by_id]
    wrongs += [f"job {job} was acknowledged and does not exist" for job in lost]
    wrongs += _of_jobs(ledger, by_id)
    wrongs += [
        f"{number} jobs were made for the key {key}"
        for key, number in Counter(job.key for job in jobs).items()
        if number > 1
    ]
    lives = _lives(events)
    twice = [job for job, states in lives.items() if sum(state in FINAL for state in states) > 1]
    wrongs += [
        f"the states of job {job} were {' '.join(states)}"
        for job, states in lives.items()
        if job in by_id and not _A_LIFE.fullmatch(" ".join(states))
    ]
    wrongs += _of_the_stream(ledger.heard, events)
    return Verdict(len(ledger.promises), len(lost), len(twice), tuple(wrongs))


def _of_jobs(ledger: Ledger, by_id: Mapping[str, JobRow]) -> list[str]:
    wrongs = []
    for promise in ledger.promises:
        job = by_id.get(promise.job)
        if job is None:
            continue
        if job.state not in FINAL:
            wrongs.append(f"job {job.id} is {job.state} still")
        elif (job.state == "cancelled") != (job.id in ledger.cancelled):
            wrongs.append(f"job {job.id} is {job.state}, and cancelled it was {job.id in ledger.cancelled}")
        elif job.state == "failed":
            wrongs.append(f"job {job.id} failed: {job.error}")
        elif job.state == "succeeded" and job.answers != promise.answers:
            wrongs.append(f"job {job.id} answers {str(job.answers)[:200]}, not {str(promise.answers)[:200]}")
    return wrongs


def _lives(events: Sequence[EventRow]) -> dict[str, list[str]]:
    lives: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.state is not None:
            lives[event.job].append(event.state)
    return lives


def _of_the_stream(heard: Sequence[Heard], events: Sequence[EventRow]) -> list[str]:
    """A stream that was resumed after each break must have had every event since its first one, once and in order."""
    if not heard:
        return ["the live stream never told of anything"]
    told = [event.id for event in heard]
    written = [event.id for event in events if event.id >= told[0]]
    wrongs = []
    if missing := sorted(set(written) - set(told)):
        wrongs.append(f"the live stream left out {len(missing)} events, the first {missing[0]}")
    if told != sorted(set(told)):
        repeated = len(told) - len(set(told))
        wrongs.append(f"the live stream told events out of order, or again ({repeated} of {len(told)})")
    # A claim, and how far a job is, need not reach the disk at once: what a database that was killed had told of them
    # may be undone, and is done again. An end may not.
    ends = {event.id for event in heard if event.state in FINAL}
    if invented := sorted((set(told) - set(written)) & ends):
        wrongs.append(f"the live stream told {len(invented)} ends that nobody wrote, the first {invented[0]}")
    return wrongs
