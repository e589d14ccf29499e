"""What reporting costs a training: the same loop of steps with and without `run.report`, in a real training process.

    python bench/reporting.py [--rounds 7] [--steps 5000] [--step-us 200]

A step computes for about `--step-us` microseconds (a LeNet-5 step of 32 pictures takes 3,000). Rounds with and without
reporting alternate in the same process, and the ratio of their medians is printed. Beside it: what one call of
`run.report` takes, and how long a page waits for the curves of a million points.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.server import serving

TASK = """
import statistics, time
import numpy as np
import frontdesk as fd


class Steps(fd.Model):
    task = "steps"

    def train(self, run: fd.Run, rounds: int = 7, steps: int = 20000, step_us: int = 200, many: int = 0) -> fd.Metrics:
        matrix = np.random.default_rng(0).normal(size=(64, 64))

        def per_call():
            began = time.perf_counter()
            matrix @ matrix
            return time.perf_counter() - began

        calls = max(round(step_us / 1e6 / statistics.median(per_call() for _ in range(2000))), 1)

        def loop(reports):
            began = time.process_time()
            for step in range(steps):
                for _ in range(calls):
                    matrix @ matrix
                if reports:
                    run.report(step=step, loss=0.5, accuracy=0.25)
            return time.process_time() - began

        times = {True: [], False: []}
        for _ in range(rounds):
            for reports in (False, True):
                times[reports].append(loop(reports))
        began = time.perf_counter()
        for step in range(1000):
            run.report(step=step, loss=0.5, accuracy=0.25)
        call_us = (time.perf_counter() - began) * 1000
        for step in range(many):
            run.report(step=step, loss=1 / (step + 1), accuracy=0.25)
        return {
            "without_s": statistics.median(times[False]), "with_s": statistics.median(times[True]), "call_us": call_us,
        }

    def load(self, version: fd.Version) -> None: ...

    def predict(self) -> int:
        return 1
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--step-us", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "steps.py"
        source.write_text(TASK)
        with serving(Path(folder) / "data", source) as server:
            parameters = {
                "rounds": asked.rounds,
                "steps": asked.steps,
                "step_us": asked.step_us,
                "many": 1_000_000,
            }
            made = server.http.post("/api/tasks/steps/train", json={"parameters": parameters})
            job = server.finished(made.json()["id"], 600)
            assert job["state"] == "succeeded", job["error"]
            measured = job["outputs"]["metrics"]
            began = time.perf_counter()
            curves = server.http.get(f"/api/jobs/{job['id']}/metrics?points=500").json()["curves"]
            page_s = time.perf_counter() - began
    cost = measured["with_s"] / measured["without_s"] - 1
    print(f"steps of about {asked.step_us} us, a report in each: {100 * cost:+.2f} % processor time")
    print(f"one call of run.report: {measured['call_us']:.2f} us")
    print(f"curves of {curves['count']:,} points, thinned to 500 each: {page_s:.2f} s")


if __name__ == "__main__":
    main()
