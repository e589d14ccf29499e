"""The panel of jobs with a million jobs in the table: milliseconds of the server for each page.

    python bench/panel.py [--jobs 1000000] [--rounds 9]

A table is filled with jobs of ten owners (seven tenths of them the asker's), of which one in two thousand failed; then
a real server answers the page and the API over HTTP, one request at a time. Each figure is the median over the rounds,
and the slowest one; the first, which finds cold caches, counts. There is no peer: no tool we know has such a panel.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import sqlalchemy as sa

from frontdesk.store.database import Database
from frontdesk.store.ids import new_id
from frontdesk.store.tables import jobs
from harness import report
from harness.environments import BENCH, product
from harness.servers import free_port, running

TASKS = BENCH / "peers" / "frontdesk_flowers.py"
OWNER = "local"
BLOCK = 10_000


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
    chance = random.Random(1)
    middle = ""
    for start in range(0, number, BLOCK):
        rows = [_row(chance, start + place) for place in range(min(BLOCK, number - start))]
        database.write(lambda c, rows=rows: c.execute(sa.insert(jobs), rows), durable=False)  # type: ignore[misc]
        if start <= number // 2:
            middle = rows[-1]["id"]
        print(f"\r{start + len(rows):,} jobs", end="", flush=True)
    database.close()
    return middle


def _row(chance: random.Random, number: int) -> dict[str, object]:
    at = datetime.now(UTC) - timedelta(days=20) + timedelta(seconds=number)
    state = "succeeded" if chance.random() < 0.9995 else chance.choice(["failed", "cancelled"])
    return {
        "id": new_id(), "owner": OWNER if chance.random() < 0.7 else f"user-{chance.randrange(9)}",
        "kind": chance.choice(["batch", "predict"]), "task": chance.choice(["flowers", "wine", "photos"]),
        "model": "net", "version": 1, "state": state, "payload": b'{"inputs": {"length": 5.1, "width": 3.5}}',
        "outputs": b'{"answer": "' + b"x" * 600 + b'"}', "error": None, "error_kind": None,
        "progress_done": 5, "progress_total": chance.randrange(10_000), "progress_message": "", "metrics": {},
        "archived": chance.random() < 0.3, "title": f"File {chance.randrange(1_000_000)}.csv", "input_file": None,
        "result_file": None, "fingerprint": "", "idempotency_key": None, "attempts": 1, "attempts_forgiven": 0,
        "turn": number, "worker": None, "lease_token": 1, "lease_expires_at": None, "created_at": at,
        "started_at": at, "finished_at": at + timedelta(seconds=9 * chance.random()),
    }  # fmt: skip


if __name__ == "__main__":
    main()
