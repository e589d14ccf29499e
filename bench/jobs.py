"""Durable jobs: frontdesk's tickets beside RQ and Huey, each with one worker and a trivial job.

    python bench/jobs.py [--rounds 3] [--only NAME ...]

Latency is from handing a job in to having its result, one job at a time; the rate is from handing in
the first of many to having the result of the last. Every store syncs to the disk before it
acknowledges (Redis with appendfsync always, SQLite with synchronous=FULL). On Redis means frontdesk's
engine `redis` beside its database. frontdesk is measured through its HTTP API, as a client sees it, and
through its desk in one process, which is what the Python calls of RQ and Huey compare to. Needs
redis-server for those that use it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness import desk_jobs, report
from harness.environments import BENCH, PeerMissing, environment, product
from harness.servers import free_port, running, running_until_stopped

PEERS = BENCH / "peers"
SINGLES, MANY = 300, 4000
REQUIREMENTS = ["rq==2.12.0", "huey==3.5.4", "redis==8.1.0"]

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Contender:
    """One queue: a name and how one round of it is measured in an empty folder."""

    name: str
    measure: Callable[[Path], Figures]


def main() -> None:
    options = _options()
    chosen = [c for c in CONTENDERS if not options.only or any(o in c.name for o in options.only)]
    rounds: dict[str, list[Figures]] = {}
    missing: dict[str, str] = {}
    for turn in range(options.rounds):
        for contender in [*chosen[turn % len(chosen) :], *chosen[: turn % len(chosen)]]:
            if contender.name in missing:
                continue
            print(f"round {turn + 1}: {contender.name}", file=sys.stderr)
            try:
                with tempfile.TemporaryDirectory() as folder:
                    figures = contender.measure(Path(folder))
                rounds.setdefault(contender.name, []).append(figures)
            except PeerMissing as reason:
                missing[contender.name] = str(reason)
    _tell([c.name for c in chosen if c.name in rounds], rounds, missing)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names, or parts of names, of the queues to measure")
    return parser.parse_args()


# ------------------------------------------------------------------------------ frontdesk


def _frontdesk(through: str, folder: Path) -> Figures:
    return _frontdesk_with(through, {}, folder)


def _frontdesk_on_redis(through: str, folder: Path) -> Figures:
    with _redis(folder) as url:
        return _frontdesk_with(through, {"FRONTDESK_ENGINE": "redis", "FRONTDESK_REDIS": url}, folder)


def _frontdesk_with(through: str, env: dict[str, str], folder: Path) -> Figures:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    data = folder / "data"
    command = [
        product() / "frontdesk", "serve", PEERS / "frontdesk_trivial.py", "--open",
        "--port", str(port), "--data", data, "--workers", "1",
    ]  # fmt: skip
    with running(command, ready_url=address + "/readyz", log=folder / "frontdesk.log", env=env):
        if through == "http":
            return desk_jobs.through_http(address, SINGLES, MANY)
        return desk_jobs.in_process({**os.environ, **env}, data, SINGLES, MANY)


# ---------------------------------------------------------------------------------- peers


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """A Redis of our own that syncs every write before it answers."""
    program = shutil.which("redis-server")
    if program is None:
        raise PeerMissing("there is no redis-server here; on Debian: apt install redis-server")
    port = free_port()
    command = [
        program, "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "",
        "--appendonly", "yes", "--appendfsync", "always",
    ]  # fmt: skip
    with running_until_stopped(command, log=folder / "redis.log", env={}, answers_on=port):
        yield f"redis://127.0.0.1:{port}/0"


def _rq(worker_class: str, many: int, folder: Path) -> Figures:
    bin_ = environment("queues", REQUIREMENTS)
    with _redis(folder) as url:
        command = [bin_ / "rq", "worker", "bench", "--url", url, "--worker-class", worker_class, "--quiet"]
        with running_until_stopped(command, log=folder / "worker.log", env={"PYTHONPATH": str(PEERS)}):
            return _timed([bin_ / "python", PEERS / "rq_jobs.py", url, str(SINGLES), str(many)], {})


def _huey(store: str, delay_s: float, many: int, folder: Path) -> Figures:
    bin_ = environment("queues", REQUIREMENTS)
    if store == "redis":
        with _redis(folder) as url:
            return _huey_on(url, bin_, delay_s, many, folder)
    return _huey_on(str(folder / "huey.db"), bin_, delay_s, many, folder)


def _huey_on(place: str, bin_: Path, delay_s: float, many: int, folder: Path) -> Figures:
    env = {"PYTHONPATH": str(PEERS), "HUEY_PLACE": place}
    command = [bin_ / "huey_consumer", "huey_jobs.queue", "-q", "-d", str(delay_s)]
    if delay_s < 0.1:
        command += ["-b", "1"]
    with running_until_stopped(command, log=folder / "consumer.log", env=env):
        return _timed([bin_ / "python", PEERS / "huey_jobs.py", str(SINGLES), str(many)], env)


def _timed(command: Sequence[str | Path], env: dict[str, str]) -> Figures:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **env}, timeout=300, check=False
    )
    if done.returncode != 0:
        raise PeerMissing(done.stderr.strip().rsplit("\n", 1)[-1])
    figures: Figures = json.loads(done.stdout.rsplit("JSON", 1)[1])
    return figures


CONTENDERS = (
    Contender("frontdesk over HTTP", partial(_frontdesk, "http")),
    Contender("frontdesk in process", partial(_frontdesk, "desk")),
    Contender("frontdesk on Redis, over HTTP", partial(_frontdesk_on_redis, "http")),
    Contender("frontdesk on Redis, in process", partial(_frontdesk_on_redis, "desk")),
    Contender("RQ, SimpleWorker", partial(_rq, "rq.worker.SimpleWorker", MANY)),
    Contender("RQ, a fork a job (default)", partial(_rq, "rq.worker.Worker", 300)),
    Contender("Huey on Redis", partial(_huey, "redis", 0.1, MANY)),
    Contender("Huey on SQLite (default)", partial(_huey, "sqlite", 0.1, MANY)),
    Contender("Huey on SQLite, polling each ms", partial(_huey, "sqlite", 0.001, MANY)),
)


# --------------------------------------------------------------------------------- report


def _tell(names: Sequence[str], rounds: dict[str, list[Figures]], missing: dict[str, str]) -> None:
    figures: dict[str, Any] = {}
    lines = []
    for name in names:
        found = {key: statistics.median(figure[key] for figure in rounds[name]) for key in rounds[name][0]}
        figures[name] = found
        lines.append(
            [
                name,
                f"{found['p50_ms']:.2f}",
                f"{found['p99_ms']:.2f}",
                f"{found['submits_per_second']:,.0f}",
                f"{found['jobs_per_second']:,.0f}",
                f"{found['jobs']:,.0f}",
            ]
        )
    print("\nDurable jobs through one worker; medians over rounds\n")
    print(report.table(["queue", "p50 ms", "p99 ms", "submits/s", "jobs/s", "of jobs"], lines))
    for name, reason in missing.items():
        print(f"{name}: not measured, {reason}")
    path = report.save("jobs", {"queues": figures, "not_measured": missing})
    print(f"\nSaved as {path}")


if __name__ == "__main__":
    main()
