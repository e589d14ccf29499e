"""Files of rows for benchmarks, and handing them in over HTTP."""

from __future__ import annotations

import random
import time
from pathlib import Path

import httpx


def write(path: Path, rows: int) -> Path:
    """Ten columns: an id, a name, a date and numbers."""
    numbers = random.Random(1)
    with path.open("w") as file:
        file.write("id,a,b,c,d,e,f,g,name,day\n")
        for row in range(rows):
            values = ",".join(f"{numbers.random() * 100:.2f}" for _ in range(7))
            file.write(f"{row:07d},{values},wine {row % 97},2024-01-{row % 28 + 1:02d}\n")
    return path


def answered(address: str, source: Path, kind: str) -> float:
    """Hand in the file for the task `add_one` and wait until it is done; the seconds that took."""
    begun = time.perf_counter()
    with httpx.Client(base_url=address, timeout=600) as http:
        with source.open("rb") as content:
            answer = http.post(
                "/api/tasks/add_one/batch", files={"file": (source.name, content)}, data={"format": kind}
            )
        assert answer.status_code == 202, answer.text
        job = answer.json()
        while job["state"] in ("queued", "running"):
            job = http.get(f"/api/jobs/{job['id']}", params={"wait": 30}).json()
        took_s = time.perf_counter() - begun
        assert job["state"] == "succeeded", job
        assert job["outputs"]["failed_rows"] == 0, job
        http.delete(f"/api/jobs/{job['id']}")
    return took_s
