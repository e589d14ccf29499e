"""When schedules are due, over changes of clocks too."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from frontdesk.desk.clock import check, explained, next_runs
from frontdesk.errors import InvalidInput


def runs(cron: str, zone: str, after: str, count: int) -> list[str]:
    """As the clock on the wall of that zone shows them, with what it is ahead of UTC."""
    start = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(zone))
    found = next_runs(cron, zone, start, count)
    assert all(moment.tzinfo is UTC for moment in found)
    return [moment.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for moment in found]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # A time that does not exist: as soon as the clock has jumped over it, once.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
        # A time that comes twice: the first time only.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
        # Every half hour is every half hour of real time.
        (
            "*/30 * * * *", "Europe/Berlin", "2026-10-25T01:45",
            ["2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00"],
        ),
        # A zone whose clock jumps by half an hour.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
        ("0 9 * * *", "Asia/Kolkata", "2026-10-03T12:00", ["2026-10-04T09:00+05:30"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", ["2028-02-29T00:00+00:00"]),
    ],
)  # fmt: skip
def test_changes_of_clocks(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert runs(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    "cron", ["", "* * * *", "61 * * * *", "@daily", "0 0 30 2 *", "* " * 60, "a b c d e"]
)
def test_what_is_no_cron_line_is_refused(cron: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(cron, "UTC")
    assert refused.value.faults[0].pointer == "/cron"


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "/etc/passwd", "Europe", "a\0b"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check("* * * * *", zone)
    assert refused.value.faults[0].pointer == "/zone"


def test_it_is_said_in_words() -> None:
    assert explained("30 7 * * 1-5") == "At 07:30 on Monday through Friday"
