"""The flowers in Python and in JavaScript, served for real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sklearn.datasets import load_iris

from support.server import Server, serving, until


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), repository / "examples" / "flowers") as server:
        for model in ("mlp", "node"):
            until(lambda model=model: ask(server, model, [5.1, 3.5, 1.4, 0.2]) == "Setosa", 60, model)
        yield server


def ask(server: Server, model: str, flower: list[float]) -> str:
    names = ("sepal_length", "sepal_width", "petal_length", "petal_width")
    question = {"model": model, "inputs": dict(zip(names, flower, strict=True))}
    response = server.http.post("/api/tasks/flowers/predict", json=question)
    return response.json()["outputs"]["answer"]["label"] if response.status_code == 200 else response.text


def nodes(server: Server) -> list[psutil.Process]:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [child for child in children if child.name() == "node"]


def test_the_one_in_python_is_the_default(server: Server) -> None:
    models = server.http.get("/api/tasks/flowers").json()["models"]
    assert [(model["name"], model["is_default"]) for model in models] == [("mlp", True), ("node", False)]
    assert server.http.get("/api/tasks/flowers").json()["title"] == "Which iris is it?"


def test_what_it_learned_in_javascript_holds_for_flowers_it_had_not_seen(server: Server) -> None:
    versions = server.http.get("/api/tasks/flowers/models/node/versions").json()["items"]
    assert versions[0]["metrics"]["accuracy"] >= 0.93
    assert versions[0]["parameters"]["hidden_units"] == 10


def test_it_answers_nearly_all_flowers_as_they_are(server: Server) -> None:
    known = load_iris()
    right = sum(
        ask(server, "node", flower) == known.target_names[species].capitalize()
        for flower, species in zip(known.data.tolist(), known.target, strict=True)
    )
    assert right >= 140


def test_it_trains_with_other_parameters_and_the_same_seed_gives_the_same_net(server: Server) -> None:
    figures = []
    for _ in range(2):
        job = server.http.post(
            "/api/tasks/flowers/train",
            json={"model": "node", "parameters": {"hidden_units": 6, "epochs": 80, "seed": 3}},
        ).json()
        done = server.http.get(f"/api/jobs/{job['id']}", params={"wait": 30}).json()
        assert done["state"] == "succeeded", done
        versions = server.http.get("/api/tasks/flowers/models/node/versions").json()["items"]
        newest = max(versions, key=lambda version: version["number"])
        assert newest["parameters"]["hidden_units"] == 6
        figures.append(newest["metrics"])
    assert figures[0] == figures[1]
    assert figures[0]["accuracy"] >= 0.9


def test_an_answer_survives_the_end_of_node(server: Server) -> None:
    for node in nodes(server):
        node.kill()
    assert ask(server, "node", [5.1, 3.5, 1.4, 0.2]) == "Setosa"


def test_where_node_is_absent_the_other_one_still_answers(repository: Path, tmp_path: Path) -> None:
    for program in ("env", "sh"):  # what is left of the system, without Node
        (tmp_path / program).symlink_to(f"/usr/bin/{program}")
    with serving(tmp_path / "data", repository / "examples" / "flowers", PATH=str(tmp_path)) as server:
        until(lambda: ask(server, "mlp", [5.1, 3.5, 1.4, 0.2]) == "Setosa", 60, "mlp")
        question = {"model": "node", "inputs": {}}
        response = server.http.post("/api/tasks/flowers/predict", json=question)
        assert response.status_code == 503
        assert "needs `node`, which is not installed here" in response.json()["detail"]
        assert "Retry-After" in response.headers


def test_the_server_of_the_example_is_what_remote_models_have_to_be(repository: Path) -> None:
    script = repository / "examples" / "flowers" / "node" / "server.js"
    program = f"require({str(script)!r}); setTimeout(() => {{}}, 1e6)"
    with subprocess.Popen(
        ["node", "-e", program], env={"PATH": "/usr/bin:/usr/local/bin", "PORT": "0"}
    ) as node:
        try:
            listening = psutil.Process(node.pid).net_connections
            until(lambda: listening("tcp"), 10, "its port")
            port = listening("tcp")[0].laddr.port
            done = subprocess.run(
                [sys.executable, "-m", "frontdesk", "doctor", "--remote", f"http://127.0.0.1:{port}"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout
            assert done.stdout.count("ok ") == 6
        finally:
            node.kill()
    done = subprocess.run(
        [sys.executable, "-m", "frontdesk", "doctor", "--remote", f"http://127.0.0.1:{port}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "does not answer" in done.stdout
