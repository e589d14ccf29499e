"""The panel of jobs with a million jobs in the table: milliseconds of the server for each page.

    python bench/panel.py [--jobs 1000000] [--rounds 9]

A table is filled with jobs of ten owners (seven tenths of them the asker's), of which one in two thousand failed; then
a real server answers the page and the API over HTTP, one request at a time. Each figure is the median over the rounds,
and the slowest one; the first, which finds cold caches, counts. There is no peer: no tool we know has such a panel.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from frontdesk.store.database import Database
from harness import many_jobs, report
from harness.environments import BENCH, product
from harness.servers import free_port, running

TASKS = BENCH / "peers" / "frontdesk_flowers.py"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        middle = _fill(data, options.jobs)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [product() / "frontdesk", "serve", TASKS, "--open", "--port", str(port), "--data", data]
        with (
            running(command, ready_url=f"{url}/readyz", log=Path(folder) / "log", env=dict(os.environ)),
            httpx.Client(base_url=url, timeout=60) as http,
        ):
            figures = {name: _timed(http, path, options.rounds) for name, path in _pages(middle).items()}
    rows = [[name, f"{statistics.median(taken):.1f}", f"{max(taken):.1f}"] for name, taken in figures.items()]
    print(f"\n{options.jobs:,} jobs\n")
    print(report.table(["page", "median ms", "slowest ms"], rows))
    print(f"\n{report.save('panel', {'jobs': options.jobs, 'milliseconds': figures})}")


def _pages(middle: str) -> dict[str, str]:
    return {
        "first page": "/jobs",
        "in the middle": f"/jobs?cursor={middle}",
        "oldest first": "/jobs?sort=oldest",
        "by name": "/jobs?sort=name",
        "longest first": "/jobs?sort=longest",
        "only failed": "/jobs?state=failed",
        "failed, of one task": "/jobs?state=failed&task=flowers",
        "search: a frequent part of names": "/jobs?search=file+12",
        "search: in vain": "/jobs?search=needle",
        "search: an id": f"/jobs?search={middle}",
        "a kind there is none of": "/jobs?kind=train",
        "everybody's": "/jobs?owner=*",
        "everybody's, failed": "/jobs?owner=*&state=failed",
        "everybody's, search in vain": "/jobs?owner=*&search=needle",
        "API, first page": "/api/jobs?limit=50",
        "API, search in vain": "/api/jobs?limit=50&search=needle",
    }


def _timed(http: httpx.Client, path: str, rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        response = http.get(path, headers={"Accept": "text/html"})
        taken.append(1000 * (time.perf_counter() - began))
        assert response.status_code == 200, response.text[:500]
    return taken


def _fill(data: Path, number: int) -> str:
    """Make the table; give the id of the job in the middle."""
    data.mkdir(parents=True)
    database = Database.open(data / "frontdesk.db")
    database.migrate()
    middle = many_jobs.fill(database, number, lambda line: print(line, end="", flush=True))
    database.close()
    return middle


if __name__ == "__main__":
    main()
