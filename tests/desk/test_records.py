"""What trainings tell: kept in order, refused from whoever lost the job, gone with it unless a version needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frontdesk.catalog.artifacts import FolderArtifacts
from frontdesk.catalog.versions import Versions
from frontdesk.desk import records
from frontdesk.desk.job import Lane, Progress
from frontdesk.desk.summaries import USUAL_STRETCHES, CurveSummary, extremes
from frontdesk.desk.training import Points, Told
from frontdesk.errors import LeaseLost
from support.desks import Office


def points(*steps: int) -> tuple[Points, ...]:
    return (Points(("step", "loss"), [[0.0, step, 1.0 / step] for step in steps]),)


def test_points_and_log_are_kept_in_order_and_announced(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    office.desk.tell(lease, Told(points=points(1, 2), until=8, log=b"one\n"))
    four = Told(points=points(4), since=8, until=16, progress=Progress(done=4, total=9), log=b"two\n")
    office.desk.tell(lease, four)
    chunks = list(office.desk.transcripts.chunks(job.id))
    assert [[row[1] for row in chunk.points[0].rows] for chunk in chunks] == [[1, 2], [4]]
    assert office.desk.transcripts.log(job.id) == "one\ntwo\n"
    assert office.desk.get(job.id, None).metrics == {"step": 4, "loss": 0.25}
    assert office.desk.get(job.id, None).progress.done == 4
    told = [e.data for e in office.desk.events(None, job.id, after=0, limit=50) if e.event == "metrics"]
    assert [(one["first"], one["count"]) for one in told] == [(0, 2), (2, 1)]


def test_of_many_points_at_once_an_event_has_a_few_and_the_last(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    office.desk.tell(lease, Told(points=points(*range(1, 10_001))))
    (event,) = [e for e in office.desk.events(None, job.id, after=0, limit=50) if e.event == "metrics"]
    rows = event.data["points"][0][1]
    assert len(rows) <= 40
    assert rows[-1][1] == 10_000
    assert sum(len(chunk.points[0].rows) for chunk in office.desk.transcripts.chunks(job.id)) == 10_000


def test_a_summary_stands_for_the_points_until_it_and_those_after_it_are_added(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    summary = CurveSummary()
    for batch in range(30):
        told = points(*range(1 + batch * 500, 501 + batch * 500))
        summary.add(told)
        is_due = batch in (9, 24)
        office.desk.tell(
            lease,
            Told(points=told, since=batch, until=batch + 1, summary=summary.encode() if is_due else None),
        )
    (usual,) = office.desk.transcripts.curves(job.id, USUAL_STRETCHES)
    (fine,) = office.desk.transcripts.curves(job.id, 20_000)
    assert usual.count == fine.count == 15_000
    whole = fine.curves["loss"].kept(20_000)
    assert len(whole) == 15_000
    assert np.array_equal(
        usual.curves["loss"].kept(USUAL_STRETCHES), whole[extremes(whole, 8)], equal_nan=True
    )


def test_what_an_attempt_told_before_it_was_lost_is_added_once_and_in_its_place(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    office.desk.tell(lease, Told(points=points(1, 2), until=8))
    transcripts, token = office.desk.transcripts, lease.token
    rest = Told(points=points(3, 4), since=8, until=16)
    assert transcripts.is_held(job.id, token)
    assert not transcripts.add(job.id, token, 1, rest)  # the worker may be alive, and tell it itself
    office.desk.release(lease)
    (next_lease,) = office.claim(lanes=[Lane.TRAIN])
    office.desk.tell(next_lease, Told(points=points(3), until=8))
    assert transcripts.told_until(job.id, token) == 8
    assert transcripts.add(job.id, token, 1, rest)
    assert not transcripts.add(job.id, token, 1, rest)
    assert [row[1] for chunk in transcripts.chunks(job.id) for row in chunk.points[0].rows] == [1, 2, 3, 4, 3]
    assert [summary.count for summary in transcripts.curves(job.id, USUAL_STRETCHES)] == [4, 1]


def test_a_log_that_grows_too_long_keeps_its_end(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    for number in range(40):
        office.desk.tell(lease, Told(log=b"%02d" % number + b"x" * 32_766))
    text = office.desk.transcripts.log(job.id)
    assert len(text) <= 2**19
    assert text[-32_768:].startswith("39")


def test_who_lost_the_job_writes_nothing(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    office.desk.cancel(job.id, None)
    with pytest.raises(LeaseLost):
        office.desk.tell(lease, Told(points=points(1), log=b"late"))
    assert list(office.desk.transcripts.chunks(job.id)) == []
    assert office.desk.transcripts.log(job.id) == ""


def test_curves_stay_for_as_long_as_there_is_the_version_that_came_of_them(
    office: Office, tmp_path: Path
) -> None:
    versions = Versions(office.database, FolderArtifacts(tmp_path / "versions"))
    jobs = [office.submit(kind=Lane.TRAIN, payload=b"%d" % n) for n in range(2)]
    for lease in office.claim(limit=2, lanes=[Lane.TRAIN]):
        office.desk.tell(lease, Told(points=points(1, 2)))
        office.desk.finish(lease, b"{}", 1)
    for number in (1, 2):
        staged = tmp_path / "staged"
        staged.mkdir()
        versions.add("t", "m", staged, {}, {}, live=False, job=jobs[0].id if number == 2 else None)
    for job in jobs:
        office.desk.remove(job.id, None)
    assert [len(list(office.desk.transcripts.chunks(job.id))) for job in jobs] == [1, 0]
    versions.remove("t", "m", 2)
    assert list(office.desk.transcripts.chunks(jobs[0].id)) == []


def test_however_many_take_points_slowly_others_are_served(office: Office) -> None:
    job = office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    for batch in range(45):
        office.desk.tell(lease, Told(points=points(batch + 1), since=batch, until=batch + 1))
    slow = [office.desk.transcripts.chunks(job.id) for _ in range(50)]
    for one in slow:
        next(one)
    assert office.desk.get(job.id, None).progress.done == 0
    assert [chunk.points[0].rows[0][1] for chunk in slow[-1]] == list(range(2, 46))


def test_a_log_of_many_small_pieces_is_not_looked_through_for_each(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.submit(kind=Lane.TRAIN)
    (lease,) = office.claim(lanes=[Lane.TRAIN])
    shorten, looks = records._shorten_log, [0]

    def counted(*given: Any) -> None:
        looks[0] += 1
        shorten(*given)

    monkeypatch.setattr(records, "_shorten_log", counted)
    for _ in range(200):
        office.desk.tell(lease, Told(log=b"loss 0.1\n"))
    assert looks[0] < 20
    for _ in range(40):
        office.desk.tell(lease, Told(log=b"x" * 2**15))
    assert len(office.desk.transcripts.log(lease.job.id)) == 2**19
