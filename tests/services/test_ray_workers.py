"""Drivers of a Ray cluster: several on one database, one that sleeps past its lease, trainings with limits."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.remains import is_gone, left, trained_in
from support.server import Server, serving, until
from support.servers.postgres import Postgres
from support.servers.ray import TOKEN, RayCluster
from support.workers import working

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed (frontdesk[ray])"
    ),
    pytest.mark.timeout(240),
]

TASKS = Path(__file__).parent.parent / "support" / "tasks"
ROWS, LONG_ROWS, LIMIT_S = 640, 3200, 8


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with RayCluster() as cluster:
        cluster.start_head(cpus=1)
        yield cluster


@pytest.fixture(scope="module")
def server(cluster: RayCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with (
        Postgres(durable=False) as database,
        serving(
            tmp_path_factory.mktemp("ray"), TASKS / "cluster.py", TASKS / "training.py",
            FRONTDESK_ENGINE="ray", FRONTDESK_RAY=cluster.address, FRONTDESK_DATABASE=database.new_database(),
            FRONTDESK_LEASE_S="3", FRONTDESK_SWEEP_S="0.5", FRONTDESK_TRAININGS="2",
            FRONTDESK_TRAIN_MEMORY_MB="400", FRONTDESK_TRAIN_LIMIT_S=str(LIMIT_S), **TOKEN,
        ) as server,
    ):  # fmt: skip
        yield server


def train(server: Server, **parameters: Any) -> str:
    response = server.http.post("/api/tasks/learn/train", json={"parameters": parameters})
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def batch(server: Server, rows: int = ROWS) -> str:
    content = "x\n" + "".join(f"{row}\n" for row in range(rows))
    response = server.http.post(
        "/api/tasks/count/batch", files={"file": ("rows.csv", content.encode())}, data={"format": "csv"}
    )
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def check_result(server: Server, job_id: str, rows: int = ROWS) -> None:
    job = server.finished(job_id, 90)
    assert (job["state"], job["outputs"]["rows"], job["outputs"]["failed_rows"]) == ("succeeded", rows, 0), (
        job
    )
    lines = server.http.get(f"/api/jobs/{job_id}/result").text.splitlines()
    assert lines[1:] == [f"{row},{row + 1}," for row in range(rows)]


def test_trainings_there_are_held_to_their_limits_and_waiting_for_room_counts_for_nothing(
    server: Server,
) -> None:
    # There is room for one: the second waits for as long as it might take itself.
    hanging = train(server, trouble="hang")
    until(lambda: len(trained_in(server, hanging)) == 1, 60, "the training that hangs")
    waiting = train(server, steps=40, pause_s=0.05)
    job = server.finished(hanging, 60)
    assert (job["state"], f"It did not return within {LIMIT_S} s." in job["error"]) == ("failed", True), job
    assert is_gone(trained_in(server, hanging)[0])
    leaking = train(server, trouble="leak")
    assert server.finished(waiting, 60)["state"] == "succeeded"
    job = server.finished(leaking, 60)
    assert (job["state"], "more than the 400 MB allowed" in job["error"]) == ("failed", True), job
    assert is_gone(trained_in(server, leaking)[0])


def test_a_driver_that_sleeps_past_its_lease_lets_go_of_the_cluster_and_writes_nothing_when_it_wakes(
    cluster: RayCluster, server: Server
) -> None:
    cluster.add_node(cpus=1)
    (sleeper,) = server.children("worker")
    carrier = _carrier_of(sleeper)
    filed = batch(server, LONG_ROWS)
    until(lambda: server.job(filed)["progress"]["done"] > 0, 60, "some rows")
    jobs = {filed, trained := train(server, steps=100, pause_s=0.06)}
    until(lambda: len(trained_in(server, trained)) == 1, 60, "the training")
    assert server.job(filed)["state"] == "running"
    (training,) = trained_in(server, trained)
    sleeper.suspend()
    try:
        with working(server, "other") as other:
            until(lambda: jobs <= set(other.holds()), 60, "the jobs in other hands")
            until(lambda: len(trained_in(server, trained)) == 2, 60, "the second training")
            assert is_gone(training), "two trainings of one job at once"
            assert is_gone(carrier.pid), "it keeps what it had on the cluster"
            check_result(server, filed, LONG_ROWS)
            assert server.finished(trained, 60)["state"] == "succeeded"
            before = left(server)
            sleeper.resume()
            until(lambda: _states(server) == ["working", "working"], 30, "the sleeper")
            until(lambda: server.log_text().count("jobs are done on the Ray cluster") == 2, 60, "its carrier")
            time.sleep(1)
            assert left(server) == before
    finally:
        sleeper.resume()


def test_a_worker_beside_the_servers_own_takes_its_share_and_is_replaced_when_it_dies(
    cluster: RayCluster, server: Server
) -> None:
    with working(server, "second") as second:
        until(lambda: "jobs are done on the Ray cluster" in second.log.read_text(), 60, "its carrier")
        files = {batch(server, rows): rows for rows in range(300, 304)}  # two each, at a time
        until(lambda: len(files.keys() & set(second.holds())) == 2, 60, "its share")
        second.process.kill()
        for job_id, rows in files.items():
            check_result(server, job_id, rows)
        assert sorted(server.job(job_id)["attempts"] for job_id in files) == [1, 1, 2, 2]


def _states(server: Server) -> list[str]:
    return [item["state"] for item in server.http.get("/api/workers").json()["items"]]


def _carrier_of(worker: psutil.Process) -> psutil.Process:
    return next(p for p in worker.children() if "frontdesk.run.cluster.carrier" in p.cmdline())
