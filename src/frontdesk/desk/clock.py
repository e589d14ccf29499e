"""When a schedule is due: cron expressions in a time zone.

Over a change of clocks it does what Debian's cron does, which is the library's rule (cronsim): a time that does not
exist runs as soon as the clock has jumped over it, a time that comes twice runs once; what runs every so many minutes
or hours runs by real time, neither more nor less often.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from frontdesk.errors import Fault, InvalidInput

LONGEST_CRON = 100


def check(cron: str, zone: str) -> None:
    """Raises InvalidInput where these never say when."""
    next_runs(cron, zone, datetime.now(UTC), 1)


def next_runs(cron: str, zone: str, after: datetime, count: int) -> list[datetime]:
    """The next so many times, in UTC. Raises InvalidInput."""
    try:
        clock = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise InvalidInput.of([Fault("/zone", "There is no such time zone; one is Europe/Berlin.")]) from None
    times = [time.astimezone(UTC) for time in islice(_sim(cron, after.astimezone(clock)), count)]
    if not times:
        raise InvalidInput.of([Fault("/cron", "That never comes.")])
    return times


def explained(cron: str) -> str:
    """The expression in words: «At 07:30 on Monday through Friday»."""
    return str(_sim(cron, datetime.now(UTC)).explain())


def _sim(cron: str, after: datetime) -> CronSim:
    if len(cron) > LONGEST_CRON:
        raise InvalidInput.of([Fault("/cron", f"At most {LONGEST_CRON} characters.")])
    try:
        return CronSim(cron, after)
    except CronSimError as error:
        raise InvalidInput.of(
            [
                Fault(
                    "/cron",
                    f"{error}. It has five parts: minute, hour, day, month, weekday; 30 7 * * 1-5 is one.",
                )
            ]
        ) from None
