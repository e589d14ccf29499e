"""How every job queue is timed: one job at a time, then many at once. Prints one line of JSON."""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any


def measure(submit: Callable[[float], Any], wait: Callable[[Any], float], *, singles: int, many: int) -> None:
    """`submit` hands in a number and returns a ticket; `wait` gives what came of the ticket."""
    for number in range(20):
        assert wait(submit(float(number))) == number + 1
    latencies_ms = []
    for number in range(singles):
        start = time.perf_counter()
        answer = wait(submit(float(number)))
        latencies_ms.append((time.perf_counter() - start) * 1000)
        assert answer == number + 1
        time.sleep(0.002)

    start = time.perf_counter()
    tickets = [submit(float(number)) for number in range(many)]
    submitted_s = time.perf_counter() - start
    last = wait(tickets[-1])  # one worker, first in first out: when the last is done, all are
    total_s = time.perf_counter() - start
    assert last == many
    cuts = statistics.quantiles(latencies_ms, n=100)
    figures = {
        "p50_ms": cuts[49],
        "p99_ms": cuts[98],
        "submits_per_second": many / submitted_s,
        "jobs_per_second": many / total_s,
        "jobs": many,
    }
    print("JSON" + json.dumps(figures), flush=True)
