"""A long file is answered whole and in order, whoever is killed on the way."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from support.server import Server, serving, until

ROWS_MODEL = Path(__file__).parent.parent / "host" / "models" / "rows.py"
ROWS, KILLS = 1_000_000, 10


def submit(server: Server, content: str, task: str = "sum", **form: str) -> str:
    response = server.http.post(
        f"/api/tasks/{task}/batch",
        files={"file": ("long.csv", content.encode())},
        data={"format": "csv", **form},
    )
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def result(server: Server, job_id: str) -> list[str]:
    return server.http.get(f"/api/jobs/{job_id}/result").text.splitlines()


@pytest.mark.timeout(180)
def test_a_million_rows_survive_ten_kills_of_the_worker(tmp_path: Path) -> None:
    content = "n,a,b\n" + "".join(f"{row:07d},{row % 1000},{row % 7}\n" for row in range(ROWS))
    with serving(tmp_path, ROWS_MODEL, FRONTDESK_ATTEMPTS_LIMIT="50", FRONTDESK_LEASE_S="3") as server:
        undisturbed = submit(server, content)
        server.finished(undisturbed, 60)
        server.http.post(f"/api/jobs/{undisturbed}/archive")
        disturbed = submit(server, content)
        kills = 0
        while kills < KILLS:
            assert server.job(disturbed)["state"] in ("queued", "running"), f"done after {kills} kills"
            until(lambda: _is_in_work(server, disturbed), 30, "progress", every_s=0.005)
            if server.kill("worker"):
                kills += 1
        job = server.finished(disturbed, 90)
        assert job["state"] == "succeeded", job
        assert job["attempts"] > KILLS // 2
        assert (job["outputs"]["rows"], job["outputs"]["failed_rows"]) == (ROWS, 0)
        assert result(server, disturbed) == result(server, undisturbed)
        assert list((server.data / "batches").iterdir()) == []


def _is_in_work(server: Server, job_id: str) -> bool:
    """Whether a worker has it in hand, and something was answered already."""
    chunks = (server.data / "batches").glob(f"{job_id}-*/*.arrow")
    return server.job(job_id)["state"] == "running" and any(chunks)


def test_a_running_file_is_cancelled_within_two_seconds_and_shows_what_it_has(tmp_path: Path) -> None:
    with serving(tmp_path, ROWS_MODEL) as server:
        job_id = submit(server, "word,kind\n" + "hi,soft\n" * 100 + "slow,soft\n" * 5000, "picky")
        until(lambda: server.job(job_id)["progress"]["done"] >= 32, 30, "some progress")
        began = time.monotonic()
        server.http.post(f"/api/jobs/{job_id}/cancel").raise_for_status()
        assert server.job(job_id)["state"] == "cancelled"
        until(lambda: server.predict("picky", word="hello", kind="soft").status_code == 200, 5, "the model")
        assert time.monotonic() - began < 2
        until(lambda: server.http.get(f"/api/jobs/{job_id}/result").status_code == 200, 10, "the part")
        assert 32 <= len(result(server, job_id)) - 1 < 5100
        server.http.post(f"/api/jobs/{job_id}/retry").raise_for_status()
        until(lambda: server.job(job_id)["state"] == "running", 10, "the retry")
        server.http.post(f"/api/jobs/{job_id}/cancel").raise_for_status()


def test_a_host_that_is_killed_costs_no_rows(tmp_path: Path) -> None:
    content = "n,a,b\n" + "".join(f"{row},{row % 1000},1\n" for row in range(400_000))
    with serving(tmp_path, ROWS_MODEL) as server:
        job_id = submit(server, content)
        until(lambda: server.job(job_id)["state"] == "running", 20, "the start", every_s=0.001)
        for _ in range(3):
            server.kill("host")
            time.sleep(0.1)
        job = server.finished(job_id, 60)
        assert job["state"] == "succeeded", job
        lines = result(server, job_id)
        assert [line.split(",", 1)[0] for line in lines[1:]] == [str(row) for row in range(400_000)]
