"""The engine `ray` on a real cluster: three nodes on this machine, which are killed and come back."""

from __future__ import annotations

import importlib.util
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.server import Server, serving, until
from support.servers.ray import TOKEN, RayCluster, RayNode, title

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed (frontdesk[ray])"
    ),
    pytest.mark.timeout(240),
]

TASKS = Path(__file__).parent.parent / "support" / "tasks"
SOURCES = [TASKS / "cluster.py", TASKS / "training.py"]
ROWS, PIECES = 1280, 64


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with RayCluster() as cluster:
        cluster.start_head(cpus=1)
        cluster.add_node(cpus=1)
        cluster.add_node(cpus=1, gpus=1)
        yield cluster


@pytest.fixture(scope="module")
def server(cluster: RayCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("ray"), *SOURCES, FRONTDESK_ENGINE="ray", FRONTDESK_RAY=cluster.address,
        FRONTDESK_RAY_WAIT_S="2", FRONTDESK_LEASE_S="3", **TOKEN,
    ) as server:  # fmt: skip
        yield server


def raylets(cluster: RayCluster) -> list[int]:
    return [node.raylet.pid for node in cluster.nodes]


def submit(server: Server, rows: int, task: str = "count") -> str:
    for left in [*asked_files(server), hands(server)]:
        left.unlink(missing_ok=True)
    content = "n,x\n" + "".join(f"{row:05d},{row}\n" for row in range(rows))
    response = server.http.post(
        f"/api/tasks/{task}/batch", files={"file": ("long.csv", content.encode())}, data={"format": "csv"}
    )
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


def asked_files(server: Server) -> list[Path]:
    return list((server.data / "models").glob("asked-*.txt"))


def asked(server: Server) -> Counter[int]:
    """How often each row was asked, by any process on any node."""
    return Counter(int(line) for path in asked_files(server) for line in path.read_text().split())


def hands(server: Server) -> Path:
    return server.data / "models" / "hands.txt"


def most_nodes_at_once(server: Server) -> int:
    """How many nodes had a row in hand at the same time."""
    in_hand: Counter[str] = Counter()
    most = 0
    for line in hands(server).read_text().splitlines():
        what, node = line.split()
        in_hand[node] += 1 if what == "+" else -1
        most = max(most, len(+in_hand))
    return most


def nodes_that_answered(server: Server) -> set[int]:
    return {int(path.name.split("-")[1]) for path in asked_files(server)}


def check_result(server: Server, job_id: str, rows: int) -> None:
    job = server.finished(job_id, 90)
    assert job["state"] == "succeeded", job
    assert (job["outputs"]["rows"], job["outputs"]["failed_rows"]) == (rows, 0)
    lines = server.http.get(f"/api/jobs/{job_id}/result").text.splitlines()
    assert lines[1:] == [f"{row:05d},{row},{row + 1}," for row in range(rows)]


def written(server: Server, job_id: str) -> int:
    """How many chunks of a file are on the disk."""
    return len(list((server.data / "batches").glob(f"{job_id}-*/*.arrow")))


def carrier(server: Server) -> psutil.Process:
    (worker,) = server.children("worker")
    return next(p for p in worker.children() if "frontdesk.run.cluster.carrier" in p.cmdline())


def told_by_doctor(server: Server) -> str:
    """What it finds; what tests beside this one leave for a moment may be wrong, too."""
    try:
        return server.run("doctor")
    except subprocess.CalledProcessError as wrong:
        return str(wrong.stdout)


def test_jobs_are_done_on_nodes_that_have_what_their_model_needs(cluster: RayCluster, server: Server) -> None:
    place = server.finished(server.submit("place"))["outputs"]["answer"]
    assert place["node"] in raylets(cluster)
    graphic = server.finished(server.submit("graphic"))["outputs"]["answer"]
    assert (graphic["node"], graphic["gpus"]) == (raylets(cluster)[2], "0")
    again = server.finished(server.submit("place"))["outputs"]["answer"]
    assert again["pid"] == place["pid"], "the model was not kept"


def test_what_no_node_can_hold_fails_and_says_what_there_is(server: Server) -> None:
    job = server.finished(server.submit("giant"))
    assert job["state"] == "failed"
    assert "It needs 0 CPU, 64 GPU, and the Ray cluster has no such node" in job["error"]


def test_a_file_streams_over_the_nodes_and_comes_back_in_order(cluster: RayCluster, server: Server) -> None:
    job_id = submit(server, ROWS)
    check_result(server, job_id, ROWS)
    assert set(asked(server).values()) == {1}
    assert most_nodes_at_once(server) > 1
    assert nodes_that_answered(server) <= set(raylets(cluster))


def test_a_row_that_ends_the_model_goes_without_an_answer_alone(server: Server) -> None:
    job_id = submit(server, 30, "deadly")
    job = server.finished(job_id, 60)
    assert (job["state"], job["outputs"]["failed_rows"]) == ("succeeded", 1), job
    lines = server.http.get(f"/api/jobs/{job_id}/result").text.splitlines()
    assert [line for line in lines if "died" in line] == [lines[14]]


def test_a_killed_process_costs_only_the_pieces_it_had(cluster: RayCluster, server: Server) -> None:
    job_id = submit(server, ROWS)
    until(lambda: written(server, job_id) >= 5, 60, "some chunks")
    (victim, *_) = [p for node in cluster.nodes for p in node.processes("ray::") if _answers_pieces(p)]
    victim.kill()
    check_result(server, job_id, ROWS)
    _check_cost(server, ROWS, pieces=4)


def test_a_killed_node_costs_only_what_it_had(cluster: RayCluster, server: Server) -> None:
    job_id = submit(server, ROWS)
    others = {node.raylet.pid: node for node in cluster.nodes[1:]}
    until(
        lambda: written(server, job_id) >= 5 and others.keys() & nodes_that_answered(server),
        60,
        "chunks, and another node at work",
    )
    cluster.remove(others[(others.keys() & nodes_that_answered(server)).pop()])
    check_result(server, job_id, ROWS)
    assert server.job(job_id)["attempts"] == 1
    _check_cost(server, ROWS, pieces=PIECES // 2)


def test_what_is_on_the_disk_is_not_asked_again_when_the_driver_is_killed(server: Server) -> None:
    job_id = submit(server, ROWS)
    until(lambda: written(server, job_id) >= 5, 60, "some chunks")
    carrier(server).kill()
    until(lambda: server.job(job_id)["state"] == "queued", 10, "the job back in line")
    kept = written(server, job_id)
    assert kept >= 5
    check_result(server, job_id, ROWS)
    assert server.job(job_id)["attempts"] == 1, "losing the cluster is nothing the job did"
    rows_kept = kept * (ROWS // PIECES)
    assert {times for row, times in asked(server).items() if row < rows_kept} == {1}


def test_a_cancelled_file_leaves_the_cluster_and_shows_what_it_has(
    cluster: RayCluster, server: Server
) -> None:
    job_id = submit(server, 20 * ROWS)
    until(lambda: written(server, job_id) >= 2, 60, "some chunks")
    server.http.post(f"/api/jobs/{job_id}/cancel").raise_for_status()
    until(
        lambda: not any(_answers_pieces(p) for n in cluster.nodes for p in n.processes("ray::")),
        60,
        "its end",
    )
    until(lambda: server.http.get(f"/api/jobs/{job_id}/result").status_code == 200, 20, "the part")


def test_a_training_goes_on_elsewhere_when_its_node_is_lost(cluster: RayCluster, server: Server) -> None:
    spare = cluster.add_node(cpus=1)
    response = server.http.post(
        "/api/tasks/learn/train", json={"parameters": {"answer": 7, "steps": 120, "pause_s": 0.05}}
    )
    job_id = response.json()["id"]
    until(lambda: server.job(job_id)["progress"]["done"] >= 20, 60, "some progress")
    node = next(n for n in cluster.nodes if _trains(n))
    if node is cluster.nodes[0]:
        (actor,) = [p for p in node.processes("ray::") if "TrainActor" in title(p)]
        actor.kill()
    else:
        cluster.remove(node)
    job = server.finished(job_id, 90)
    assert (job["state"], job["outputs"]["version"]) == ("succeeded", 1), job
    log = server.http.get(f"/api/jobs/{job_id}/log").text
    assert log.count("beginning at") == 2
    assert "the cluster lost the node it ran on" in log
    assert spare


def test_jobs_wait_while_the_cluster_is_away_and_are_done_when_it_is_back(
    cluster: RayCluster, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"FRONTDESK_ENGINE": "ray", "FRONTDESK_RAY": cluster.address, **TOKEN}.items():
        monkeypatch.setenv(name, value)
    assert f"ok     Ray cluster: {cluster.address}: " in told_by_doctor(server)
    cluster.stop()
    until(lambda: "jobs wait for the Ray cluster" in server.log_text(), 20, "the worker's word")
    job_id = server.submit("place")
    assert server.http.get("/readyz").status_code == 200
    assert server.predict("quick", a=1).json()["outputs"]["answer"]["value"] == 2, "pages need no cluster"
    time.sleep(1)
    assert server.job(job_id)["state"] == "queued"
    assert f"WRONG  Ray cluster: {cluster.address}: nothing answers" in told_by_doctor(server)
    cluster.start_head(cpus=1)
    assert server.finished(job_id, 60)["outputs"]["answer"]["node"] == raylets(cluster)[0]
    assert server.job(job_id)["attempts"] == 1


def test_nothing_is_left_on_the_cluster_when_the_server_ends(cluster: RayCluster, server: Server) -> None:
    until(lambda: any(_is_ours(p) for n in cluster.nodes for p in n.processes()), 10, "an actor")
    server.stop()
    until(lambda: not any(_is_ours(p) for n in cluster.nodes for p in n.processes()), 20, "its end")


def _check_cost(server: Server, rows: int, *, pieces: int) -> None:
    """No row is without an answer, and at most those of so many pieces were asked twice."""
    counts = asked(server)
    assert set(counts) == set(range(rows))
    twice = sum(times - 1 for times in counts.values())
    # None at all, where what was ended had just handed in what it had.
    assert twice <= pieces * -(-rows // PIECES)


def _answers_pieces(process: psutil.Process) -> bool:
    return "MapWorker" in title(process)


def _trains(node: RayNode) -> bool:
    return any("frontdesk.run.train_process" in title(p) for p in node.processes())


def _is_ours(process: psutil.Process) -> bool:
    try:
        return any("frontdesk" in word or "HostActor" in word for word in process.cmdline()[:4])
    except psutil.Error:
        return False
