"""A Ray cluster whose nodes share a bucket with their worker, and no folder: what is used is fetched, and sent back."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.remains import stays, trained_in
from support.server import Server, serving, until
from support.servers.objects import ACCESS_KEY, SECRET_KEY, ObjectServer
from support.servers.ray import TOKEN, RayCluster

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed (frontdesk[ray])"
    ),
    pytest.mark.timeout(240),
]

LEARNER = Path(__file__).parent.parent / "support" / "tasks" / "training.py"
MODEL = "keeper"  # not the one that the page has ready, which fetches a version as soon as there is one
VERSIONS = f"/api/tasks/learn/models/{MODEL}/versions"


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What each of the two nodes has for itself."""
    return [tmp_path_factory.mktemp("node") for _ in range(2)]


@pytest.fixture(scope="module")
def cluster(homes: list[Path]) -> Iterator[RayCluster]:
    """Nodes that know no more than the keys of the bucket, and a head that does no work."""
    with RayCluster() as cluster:
        cluster.start_head(cpus=0)
        for home in homes:
            add_node(cluster, home)
        yield cluster


def add_node(cluster: RayCluster, home: Path) -> None:
    cluster.add_node(cpus=1, HOME=str(home), AWS_ACCESS_KEY_ID=ACCESS_KEY, AWS_SECRET_ACCESS_KEY=SECRET_KEY)


@pytest.fixture(scope="module")
def bucket(object_server: ObjectServer) -> str:
    object_server.make_bucket(name := f"cluster-{uuid.uuid4().hex[:8]}")
    return name


@pytest.fixture(scope="module")
def server(
    cluster: RayCluster, object_server: ObjectServer, bucket: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("ray"), LEARNER, FRONTDESK_ENGINE="ray", FRONTDESK_RAY=cluster.address,
        FRONTDESK_LEASE_S="3", **object_server.environment(bucket, "desk"), **TOKEN,
    ) as server:  # fmt: skip
        yield server


def train(server: Server, **document: Any) -> str:
    response = server.http.post("/api/tasks/learn/train", json={"model": MODEL, **document})
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def ask_later(server: Server, **inputs: float) -> str:
    body, headers = {"model": MODEL, "inputs": inputs}, {"Prefer": "respond-async"}
    response = server.http.post("/api/tasks/learn/predict", json=body, headers=headers)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def log_of(server: Server, job_id: str) -> str:
    return str(server.http.get(f"/api/jobs/{job_id}/log").text)


def copies(folder: Path) -> list[Path]:
    """What was learned, wherever it lies there."""
    return sorted(folder.rglob("answer.txt"))


def test_a_training_learns_from_what_was_uploaded_and_leaves_a_version_in_the_bucket(
    server: Server, object_server: ObjectServer, bucket: str, homes: list[Path]
) -> None:
    uploaded = server.http.post("/api/files", files={"file": ("flowers.csv", b"petal,sepal\n1,2\n")})
    assert uploaded.status_code == 201, uploaded.text
    job_id = train(server, parameters={"answer": 7}, data=uploaded.json()["id"])
    job = server.finished(job_id, 90)
    assert (job["state"], job["outputs"]["version"]) == ("succeeded", 1), job
    assert "learning from flowers.csv: petal,sepal" in log_of(server, job_id)
    (version,) = server.http.get(VERSIONS).json()["items"]
    assert (version["is_live"], version["data"]) == (True, "flowers.csv")
    assert len([key for key in object_server.keys(bucket) if key.startswith("desk/versions/")]) == 1
    assert not [key for key in object_server.keys(bucket) if key.startswith("desk/checkpoints/")]
    assert not copies(server.data), "it was made on a node"
    assert [len(copies(home)) for home in homes] in ([0, 1], [1, 0])
    assert not [left for home in homes for left in home.glob(".cache/frontdesk/*/trainings/*/*")]


def test_every_node_answers_with_what_another_one_learned(server: Server, homes: list[Path]) -> None:
    rows = "pause_s\n" + "0.01\n" * 400
    sent = server.http.post(
        "/api/tasks/learn/batch",
        files={"file": ("rows.csv", rows.encode())},
        data={"format": "csv", "model": MODEL},
    )
    assert sent.status_code == 202, sent.text
    tickets = [ask_later(server, pause_s=1) for _ in range(8)]
    for ticket in tickets:
        job = server.finished(ticket, 60)
        assert (job["state"], job["outputs"]["answer"]["value"], job["version"]) == ("succeeded", 7, 1), job
    job = server.finished(sent.json()["id"], 60)
    assert (job["state"], job["outputs"]["failed_rows"]) == ("succeeded", 0), job
    lines = server.http.get(f"/api/jobs/{job['id']}/result").text.splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["7"] * 400
    assert not copies(server.data), "no model was loaded beside the worker"
    assert [len(copies(home)) for home in homes] == [1, 1]


def test_a_training_goes_on_from_its_checkpoints_when_its_node_and_all_on_it_is_lost(
    cluster: RayCluster, server: Server, object_server: ObjectServer, bucket: str, tmp_path: Path
) -> None:
    job_id = train(server, parameters={"answer": 9, "steps": 100, "pause_s": 0.2})
    until(lambda: len(trained_in(server, job_id)) == 1, 60, "the training")

    def saved() -> set[str]:
        return {key for key in object_server.keys(bucket) if key.startswith("desk/checkpoints/")}

    until(lambda: stays(saved), 60, "a checkpoint")
    (training,) = trained_in(server, job_id)
    (lost,) = [node for node in cluster.nodes if training in {process.pid for process in node.processes()}]
    cluster.remove(lost)
    add_node(cluster, tmp_path)
    job = server.finished(job_id, 90)
    assert (job["state"], job["attempts"]) == ("succeeded", 1), job
    begun = [
        int(line.split()[2]) for line in log_of(server, job_id).splitlines() if line.startswith("beginning")
    ]
    assert begun[0] == 0
    assert 0 < begun[1] < 100
    assert not saved()


def test_data_that_is_damaged_fails_the_training_and_says_so(
    server: Server, object_server: ObjectServer, bucket: str
) -> None:
    uploaded = server.http.post("/api/files", files={"file": ("flowers.csv", b"petal\n1\n")}).json()
    (key,) = [key for key in object_server.keys(bucket) if key.endswith(uploaded["id"])]
    object_server.store(bucket).put(key, b"petal\n2\n")
    job = server.finished(train(server, data=uploaded["id"]), 60)
    assert job["state"] == "failed", job
    assert "damaged" in job["error"], job
