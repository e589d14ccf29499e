"""Huey on SQLite or Redis. The consumer imports `queue` from here; run as a script it times jobs."""

import os
import sys
import time
from typing import Any

import huey
from timing import measure

place = os.environ["HUEY_PLACE"]
queue = (
    huey.RedisHuey(url=place) if place.startswith("redis:") else huey.SqliteHuey(filename=place, fsync=True)
)


@queue.task()
def add_one(number: float) -> float:
    return number + 1


def wait(ticket: Any) -> float:
    """Ask again every half millisecond: Huey's own wait begins with a tenth of a second."""
    while (answer := ticket.get()) is None:
        time.sleep(0.0005)
    found: float = answer
    return found


if __name__ == "__main__":
    # The consumer knows the task by its module, so this script must not be `__main__` to it.
    import huey_jobs

    measure(huey_jobs.add_one, wait, singles=int(sys.argv[1]), many=int(sys.argv[2]))
