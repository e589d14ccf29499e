"""Jobs and rows a second with one worker and with two, on each engine; on Ray with one node and with two."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness import desk_jobs, report, row_files
from harness.environments import BENCH, PeerMissing, product
from harness.servers import free_port, running, running_until_stopped, test_servers

_TASK = BENCH / "peers" / "frontdesk_rows.py"
_SINGLES = 100

Figures = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What an engine stands on: settings, workers the server starts, workers that are started beside it."""

    environment: Mapping[str, str]
    inside: int = 0
    beside: int = 0


def measure(jobs: int, rows: int, only: Sequence[str] | None) -> None:
    """Each engine with one worker and with two; print a table."""
    figures: Figures = {}
    missing: dict[str, str] = {}
    for name, ground in _GROUNDS.items():
        for workers in (1, 2) if not only or name in only else ():
            print(f"{name}, {workers} of them", file=sys.stderr)
            try:
                with tempfile.TemporaryDirectory() as folder, ground(workers) as there:
                    figures[f"{name}, {workers}"] = _served(Path(folder), there, workers, jobs, rows)
            except PeerMissing as reason:
                missing[name] = str(reason)
    _tell(figures, missing)


def _served(folder: Path, ground: _Ground, workers: int, jobs: int, rows: int) -> dict[str, float]:
    port = free_port()
    address, data = f"http://127.0.0.1:{port}", folder / "data"
    program = product() / "frontdesk"
    serve = [
        program, "serve", _TASK, "--open", "--port", str(port), "--data", data,
        "--workers", str(ground.inside),
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        stack.enter_context(
            running(serve, ready_url=f"{address}/readyz", log=folder / "web.log", env=ground.environment)
        )
        for number in range(ground.beside):
            stack.enter_context(
                running_until_stopped(
                    [program, "worker", _TASK, "--data", data],
                    log=folder / f"worker-{number}.log",
                    env=ground.environment,
                )
            )
        found = desk_jobs.through_http(address, _SINGLES, jobs)
        return {**found, "rows_per_second": _rows(address, folder, workers, rows)}


def _rows(address: str, folder: Path, files: int, rows: int) -> float:
    """As many files at once as there are workers; all their rows by the time the last took."""
    sources = [row_files.write(folder / f"rows-{number}.csv", rows + number) for number in range(files)]
    row_files.answered(address, row_files.write(folder / "warm.csv", 100), "csv")
    began = time.perf_counter()
    with ThreadPoolExecutor(files) as threads:
        list(threads.map(lambda source: row_files.answered(address, source, "csv"), sources))
    return files * rows / (time.perf_counter() - began)


# -------------------------------------------------------------------------------- engines


@contextlib.contextmanager
def _local(workers: int) -> Iterator[_Ground]:
    yield _Ground({}, inside=workers)


@contextlib.contextmanager
def _redis(workers: int) -> Iterator[_Ground]:
    servers = test_servers()
    with servers["postgresql"]() as database, servers["redis"]() as redis:
        environment = {
            "FRONTDESK_DATABASE": database.new_database(),
            "FRONTDESK_ENGINE": "redis",
            "FRONTDESK_REDIS": redis.url(),
        }
        yield _Ground(environment, beside=workers)


@contextlib.contextmanager
def _ray(workers: int) -> Iterator[_Ground]:
    servers = test_servers()
    with servers["ray"]() as cluster:
        cluster.start_head(cpus=1)
        for _ in range(workers - 1):
            cluster.add_node(cpus=1)
        yield _Ground(
            {**cluster.environment, "FRONTDESK_ENGINE": "ray", "FRONTDESK_RAY": cluster.address}, inside=1
        )


_GROUNDS: dict[str, Callable[[int], contextlib.AbstractContextManager[_Ground]]] = {
    "local": _local,
    "redis": _redis,
    "ray": _ray,
}


# --------------------------------------------------------------------------------- report


def _tell(figures: Figures, missing: Mapping[str, str]) -> None:
    columns = ("p50_ms", "p99_ms", "submits_per_second", "jobs_per_second", "rows_per_second")
    rows = [
        [name, *(f"{found[column]:,.{2 if column.endswith('ms') else 0}f}" for column in columns)]
        for name, found in figures.items()
    ]
    print("\nTrivial jobs and files through one worker and through two\n")
    print(
        report.table(["engine, workers or nodes", "p50 ms", "p99 ms", "submits/s", "jobs/s", "rows/s"], rows)
    )
    for name, reason in missing.items():
        print(f"{name}: not measured, {reason}")
    print(f"\n{report.save('scale', {'engines': figures, 'not_measured': dict(missing)})}")
