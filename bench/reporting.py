"""What reporting costs a training: the same steps with and without `run.report`, in a real training process.

    python bench/reporting.py [--rounds 100] [--points 1000000]

A step computes for 200, 1,000 or 3,000 microseconds (one of LeNet-5 with 32 pictures takes 3,000), and reports. A round
is 50 steps that report and 50 that do not, in an order that changes from round to round; told is the median over
rounds of the ratio of processor times. Beside it: what one call of `run.report` takes, and how long a page waits
for the curves of `--points` points, while they are told and after.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from harness import report
from support.server import Server, serving

TASK = """
import statistics, time
import numpy as np
import frontdesk as fd


class Steps(fd.Model):
    task = "steps"

    def train(self, run: fd.Run, rounds: int = 100, points: int = 0) -> fd.Metrics:
        matrix = np.random.default_rng(0).normal(size=(64, 64))

        def per_call():
            began = time.perf_counter()
            matrix @ matrix
            return time.perf_counter() - began

        call_s = statistics.median(per_call() for _ in range(2000))

        def steps(calls, reports):
            began = time.thread_time()
            for step in range(50):
                for _ in range(calls):
                    matrix @ matrix
                if reports:
                    run.report(step=step, loss=0.5, accuracy=0.25)
            return time.thread_time() - began

        measured = {}
        for step_us in (200, 1000, 3000):
            calls = max(round(step_us / 1e6 / call_s), 1)
            steps(calls, True)
            percent = []
            for number in range(rounds):
                first = number % 2 == 0
                took = {reports: steps(calls, reports) for reports in (first, not first)}
                percent.append(100 * (took[True] / took[False] - 1))
            low, median, high = statistics.quantiles(percent, n=4)
            measured[f"percent_{step_us}"] = median
            measured[f"margin_{step_us}"] = 1.57 * (high - low) / rounds**0.5
        began = time.thread_time()
        for step in range(20_000):
            run.report(step=step, loss=0.5, accuracy=0.25)
        measured["call_us"] = (time.thread_time() - began) / 20_000 * 1e6
        for step in range(points - 20_000 - 3 * 50 * (rounds + 1)):
            run.report(step=step, loss=1 / (step + 1), accuracy=0.25)
        return measured

    def load(self, version: fd.Version) -> None: ...

    def predict(self) -> int:
        return 1
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--points", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "steps.py"
        source.write_text(TASK)
        with serving(Path(folder) / "data", source) as server:
            parameters = {"rounds": asked.rounds, "points": asked.points}
            made = server.http.post("/api/tasks/steps/train", json={"parameters": parameters})
            job_id = made.json()["id"]
            while_told = []
            while server.job(job_id)["state"] in ("queued", "running"):
                while_told.append(page_s(server, job_id))
                time.sleep(1)
            job = server.job(job_id)
            assert job["state"] == "succeeded", job["error"]
            after = [page_s(server, job_id) for _ in range(9)]
            count = server.http.get(f"/api/jobs/{job_id}/metrics").json()["curves"]["count"]
    measured = job["outputs"]["metrics"]
    figures = {
        **measured,
        "points": count,
        "page_s": statistics.median(after),
        "live_page_s": max(while_told),
    }
    rows = [
        [
            f"processor time, a report every {step_us:,} us",
            f"{measured[f'percent_{step_us}']:+.2f} ± {measured[f'margin_{step_us}']:.2f} %",
        ]
        for step_us in (200, 1000, 3000)
    ] + [
        ["one call of run.report", f"{measured['call_us']:.2f} us"],
        [f"curves of {count:,} points, thinned to 500 each", f"{figures['page_s']:.3f} s"],
        ["the same while they are told, the slowest", f"{figures['live_page_s']:.3f} s"],
    ]
    print(report.table(["reporting", "measured"], rows))
    print(f"\nSaved as {report.save('reporting', figures)}")


def page_s(server: Server, job_id: str) -> float:
    """How long a page waits for the curves."""
    began = time.perf_counter()
    server.http.get(f"/api/jobs/{job_id}/metrics?points=500").raise_for_status()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
