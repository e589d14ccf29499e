"""Machines that share a database and a bucket, and no folder: what one of them began, another one finishes.

Each machine is a data folder of its own and processes of its own. The database is a real PostgreSQL server, the bucket
is at Ceph's object gateway. A machine is lost by killing its processes and deleting its folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from support.remains import stays
from support.server import Server, serving, until
from support.servers.objects import ObjectServer
from support.servers.postgres import Postgres

ROWS_MODEL = Path(__file__).parent.parent / "host" / "models" / "rows.py"
LEARNER = Path(__file__).parent.parent / "support" / "tasks" / "training.py"


@pytest.fixture(scope="module")
def shared(object_server: ObjectServer) -> Iterator[dict[str, str]]:
    """The settings of every machine."""
    with Postgres(durable=False) as postgres:
        object_server.make_bucket(bucket := f"machines-{uuid.uuid4().hex[:8]}")
        yield {
            "FRONTDESK_DATABASE": postgres.new_database(),
            "FRONTDESK_LEASE_S": "3",
            "FRONTDESK_ATTEMPTS_LIMIT": "10",
            **object_server.environment(bucket, "desk"),
        }


@pytest.fixture(scope="module")
def web(shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The machine that people reach; it does no jobs."""
    folder = tmp_path_factory.mktemp("web")
    with serving(folder, ROWS_MODEL, LEARNER, options=("--workers", "0"), **shared) as server:
        yield server


@contextmanager
def machine(folder: Path, shared: dict[str, str]) -> Iterator[None]:
    """A machine with a worker. It is lost at the end of the block: nothing of it is left."""
    folder.mkdir()
    with (folder.with_suffix(".log")).open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "frontdesk", "worker", ROWS_MODEL, LEARNER, "--data", folder],
            env={**os.environ, "FRONTDESK_ACCESS": "open", **shared}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield
    finally:
        family = [*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)]
        for process in family:
            process.kill()
        worker.wait()
        psutil.wait_procs(family, timeout=10)
        shutil.rmtree(folder)


def train(web: Server, **parameters: object) -> str:
    response = web.http.post("/api/tasks/learn/train", json={"model": "learner", "parameters": parameters})
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def _leases(machine: Path, job_id: str) -> set[str]:
    """Under which leases the rows were answered that lie there."""
    return {path.stem.split("-")[2] for path in (machine / "batches").glob(f"{job_id}-*/*.arrow")}


@pytest.mark.timeout(240)
def test_a_version_trained_on_one_machine_answers_on_another(
    web: Server, shared: dict[str, str], tmp_path: Path
) -> None:
    with machine(tmp_path / "one", shared):
        job = web.finished(train(web, answer=7), 90)
        assert job["state"] == "succeeded", job
    answer = web.predict("learn")
    assert (answer.status_code, answer.json()["outputs"]) == (200, {"answer": {"value": 7}}), answer.text
    assert not (web.data / "versions").exists()
    zipped = web.http.get("/api/tasks/learn/models/learner/versions/1/download")
    assert b"answer.txt" in zipped.content


@pytest.mark.timeout(300)
def test_a_training_goes_on_from_its_checkpoint_on_another_machine(
    web: Server, shared: dict[str, str], tmp_path: Path, object_server: ObjectServer
) -> None:
    bucket = shared["FRONTDESK_STORAGE"].split("/")[2]
    job_id = train(web, answer=8, steps=100, pause_s=0.2)

    def saved() -> set[str]:
        return {key for key in object_server.keys(bucket) if key.startswith(f"desk/checkpoints/{job_id}/")}

    with machine(tmp_path / "one", shared):
        until(lambda: stays(saved), 120, "a checkpoint")
    with machine(tmp_path / "other", shared):
        job = web.finished(job_id, 150)
    assert job["state"] == "succeeded", job
    assert job["attempts"] == 2
    log = web.http.get(f"/api/jobs/{job_id}/log").text
    begins = [int(line.split()[2]) for line in log.splitlines() if line.startswith("beginning at")]
    assert begins[0] == 0
    assert begins[1] > 0, log
    until(lambda: not saved(), 20, "the end of its checkpoints")


@pytest.mark.timeout(300)
def test_a_file_goes_on_behind_its_last_chunk_on_another_machine(
    web: Server, shared: dict[str, str], tmp_path: Path, object_server: ObjectServer
) -> None:
    bucket, rows = shared["FRONTDESK_STORAGE"].split("/")[2], 1000
    content = "word,kind\n" + "".join(f"{'slow' if row % 20 == 0 else 'hi'},soft\n" for row in range(rows))
    response = web.http.post(
        "/api/tasks/picky/batch", files={"file": ("long.csv", content.encode())}, data={"format": "csv"}
    )
    assert response.status_code == 202, response.text
    job_id = response.json()["id"]

    def saved() -> list[str]:
        return [key for key in object_server.keys(bucket) if key.startswith(f"desk/batches/{job_id}/")]

    with machine(tmp_path / "one", shared):
        until(lambda: len(saved()) >= 2, 120, "chunks in the bucket")
    kept = max(int(key.rpartition("/")[2].split("-")[1]) for key in saved())
    assert 0 < kept < rows
    with machine(tmp_path / "other", shared):
        until(
            lambda: len(_leases(tmp_path / "other", job_id)) == 2, 60, "chunks of both machines on the other"
        )
        job = web.finished(job_id, 200)
    assert (job["state"], job["outputs"]["rows"]) == ("succeeded", rows), job
    lines = web.http.get(f"/api/jobs/{job_id}/result").text.splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [
        line.split(",")[0] for line in content.splitlines()[1:]
    ]
    assert saved() == []
