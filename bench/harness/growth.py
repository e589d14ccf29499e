"""What a job costs at the desk when the table is full of others."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from frontdesk.assemble import Installation
from frontdesk.desk.job import Lane, NewJob
from frontdesk.settings import Settings
from harness import many_jobs, report
from harness.servers import test_servers

_JOBS, _SUBMITTERS, _AT_ONCE = 2000, 16, 64
_OUTPUTS = b'{"answer": {"value": 1.0}}'

Figures = dict[str, dict[int, list[float]]]


def measure(levels: Sequence[int], rounds: int, only: Sequence[str] | None) -> None:
    """Fill and measure in turn; print a table."""
    figures: Figures = {}
    for name, opened in _DATABASES.items():
        if not only or name in only:
            with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as url:
                figures[name] = _grow(name, Path(folder), url, sorted(levels), rounds)
    _tell(figures)


@contextlib.contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield ""


@contextlib.contextmanager
def _server(kind: str, folder: Path) -> Iterator[str]:
    with test_servers()[kind]() as server:
        yield server.new_database()


_DATABASES: dict[str, Callable[[Path], contextlib.AbstractContextManager[str]]] = {
    "sqlite": _sqlite,
    "postgresql": lambda folder: _server("postgresql", folder),
    "mariadb": lambda folder: _server("mariadb", folder),
}


def _grow(name: str, folder: Path, url: str, levels: Sequence[int], rounds: int) -> dict[int, list[float]]:
    installation = Installation.open(Settings.read(os.environ, data=folder / "data", database=url))
    taken: dict[int, list[float]] = {}
    there = 0
    try:
        for level in levels:
            many_jobs.fill(
                installation.database, level - there, lambda line: print(line, end="", file=sys.stderr)
            )
            there = level
            statement = sa.text("analyze table jobs" if name == "mariadb" else "analyze")
            installation.database.write(lambda c, statement=statement: c.execute(statement).close())
            _lives(installation, 200)
            taken[level] = [_lives(installation, _JOBS) for _ in range(rounds)]
    finally:
        installation.close()
    return taken


def _lives(installation: Installation, number: int) -> float:
    """Milliseconds a job, from being handed in to its outcome being written."""
    desk = installation.desk
    new = NewJob(owner="local", kind=Lane.PREDICT, task="flowers", model="net")
    began = time.perf_counter()
    with ThreadPoolExecutor(_SUBMITTERS) as threads:
        list(threads.map(desk.submit, [new] * number))
    done = 0
    while leases := desk.claim("bench", {Lane.PREDICT: _AT_ONCE}):
        assert not desk.settle([(lease, _OUTPUTS, 1) for lease in leases], [])
        done += len(leases)
    assert done == number, (done, number)
    return 1000 * (time.perf_counter() - began) / number


def _tell(figures: Figures) -> None:
    rows = []
    for name, levels in figures.items():
        empty = statistics.median(next(iter(levels.values())))
        for level, taken in levels.items():
            cost = statistics.median(taken)
            rows.append(
                [
                    name,
                    f"{level:,}",
                    f"{cost:.3f}",
                    f"{min(taken):.3f}",
                    f"{max(taken):.3f}",
                    f"{cost / empty:.2f}",
                ]
            )
    print("\n\nA job's life at the desk, by what is in the table already\n")
    print(report.table(["database", "jobs there", "ms a job", "least", "most", "times empty"], rows))
    print(f"\n{report.save('growth', {'milliseconds': figures})}")
