"""The digits example, served and trained for real, on a part of MNIST or on scikit-learn's small digits."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.server import Server, serving, until

pytest.importorskip("torch", reason="PyTorch, which learns the digits, is not installed")
pytestmark = pytest.mark.timeout(180)

KNOWN = 200


def train(server: Server, **parameters: Any) -> dict[str, Any]:
    started = server.http.post("/api/tasks/digits/train", json={"parameters": parameters})
    assert started.status_code == 202, started.text
    job = server.finished(started.json()["id"], 150)
    assert job["state"] == "succeeded", job["error"]
    return job


@pytest.fixture(scope="module")
def server(repository: Path, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    with serving(data, repository / "examples" / "digits", FRONTDESK_MODELS=str(test_data)) as server:
        yield server


@pytest.fixture(scope="module")
def trained(server: Server) -> dict[str, Any]:
    refused = server.predict("digits", drawing=[0] * 140 * 140)
    assert refused.status_code == 409, refused.text
    assert server.http.post("/recognize", data={"matrix": json.dumps([0] * 784)}).status_code == 409
    job = train(server, epochs=3, pictures=20_000, batch_size=64)
    live = server.http.post("/api/tasks/digits/models/lenet5/versions/1/live")
    assert live.status_code in (200, 204, 409), live.text
    until(
        lambda: server.predict("digits", drawing=[0] * 140 * 140).status_code == 200, 30, "the first version"
    )
    return job


@pytest.fixture(scope="module")
def unseen(test_data: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(test_data / "mnist" / "mnist.npz") as mnist:
        return mnist["x_test"][:KNOWN], mnist["y_test"][:KNOWN]


def test_it_learns_most_digits_from_a_third_of_them(trained: dict[str, Any]) -> None:
    metrics = trained["outputs"]["metrics"]
    assert metrics["accuracy"] > 0.97
    assert metrics["epochs"] == 3


def test_it_reads_digits_drawn_on_the_canvas(server: Server, trained: dict[str, Any], unseen: Any) -> None:
    right = 0
    for picture, digit in zip(*unseen, strict=True):
        drawing = io.BytesIO()
        canvas = Image.new("L", (280, 280))
        canvas.paste(Image.fromarray(picture).resize((180, 180), Image.Resampling.BILINEAR), (20, 70))
        canvas.save(drawing, "PNG")
        answer = server.http.post(
            "/api/tasks/digits/predict", files={"drawing": ("d.png", drawing.getvalue())}
        )
        outputs = answer.json()["outputs"]
        right += outputs["digit"]["label"] == str(digit)
        assert len(outputs["digit"]["scores"]) == 10
        assert outputs["learned_from"] == "MNIST"
        assert outputs["seen"]["media_type"] == "image/png"
    assert right / KNOWN >= 0.95


def test_the_classic_route_reads_784_numbers(server: Server, trained: dict[str, Any], unseen: Any) -> None:
    pictures, digits = unseen
    answers = [
        server.http.post("/recognize", data={"matrix": json.dumps(picture.ravel().tolist())}).text
        for picture in pictures[:40]
    ]
    assert sum(answer == str(digit) for answer, digit in zip(answers, digits[:40], strict=True)) >= 37


@pytest.mark.parametrize(
    "matrix", ["", "[]", "nonsense", json.dumps([0] * 783), json.dumps([300] * 784), json.dumps(["a"] * 784)]
)
def test_a_malformed_matrix_is_refused(server: Server, trained: dict[str, Any], matrix: str) -> None:
    response = server.http.post("/recognize", data={"matrix": matrix})
    assert response.status_code == 422
    assert "/inputs/matrix" in response.text


def test_without_mnist_it_learns_the_small_digits_and_says_so(repository: Path, tmp_path: Path) -> None:
    with serving(tmp_path, repository / "examples" / "digits") as server:
        job = train(server, epochs=4, optimizer="sgd", activation="tanh")
        assert job["outputs"]["metrics"]["accuracy"] > 0.8
        server.http.post("/api/tasks/digits/models/lenet5/versions/1/live")
        until(
            lambda: server.predict("digits", drawing=[0] * 140 * 140).status_code == 200,
            30,
            "the first version",
        )
        outputs = server.predict("digits", drawing=[0] * 140 * 140).json()["outputs"]
        assert "1,797 small digits" in outputs["learned_from"]


def test_after_its_worker_was_killed_it_goes_on_from_the_last_whole_epoch(
    repository: Path, test_data: Path, tmp_path: Path
) -> None:
    # Threads of a training that wait for each other take ever so long on a machine that is busy otherwise.
    environment = {"FRONTDESK_MODELS": str(test_data), "OMP_NUM_THREADS": "1"}
    with serving(tmp_path, repository / "examples" / "digits", **environment) as server:
        asked = {"epochs": 6, "pictures": 2000}
        job_id = server.http.post("/api/tasks/digits/train", json={"parameters": asked, "seed": 3}).json()[
            "id"
        ]
        until(lambda: len(epochs(server, job_id)) >= 2, 90, "two epochs")
        server.kill("worker")
        job = server.finished(job_id, 150)
        assert (job["state"], job["attempts"]) == ("succeeded", 2), job["error"]
        assert job["outputs"]["metrics"]["epochs"] == 6
        (done,) = re.findall(r"Going on after epoch (\d+)", server.http.get(f"/api/jobs/{job_id}/log").text)
        assert 2 <= int(done) < 6
        assert epochs(server, job_id) == [1, 2, 3, 4, 5, 6]
        places = told(server, job_id)["loss"]
        assert places == sorted(set(places))
        rows = csv.DictReader(io.StringIO(server.http.get(f"/api/jobs/{job_id}/metrics.csv").text))
        again = [float(row["epoch"]) for row in rows if row["attempt"] == "2"]
        assert min(again) > int(done)


def told(server: Server, job_id: str) -> dict[str, list[float]]:
    """Where the points of each curve are."""
    curves = server.http.get(f"/api/jobs/{job_id}/metrics").json()["curves"]["curves"]
    return {curve["name"]: curve["x"] for curve in curves}


def epochs(server: Server, job_id: str) -> list[float]:
    """The epochs after which it looked at the validation pictures."""
    return told(server, job_id).get("val_loss", [])


def test_it_learns_from_a_file_of_ones_own_and_refuses_another(server: Server, test_data: Path) -> None:
    with np.load(test_data / "mnist" / "mnist.npz") as mnist:
        pictures, digits = mnist["x_train"][:1500].reshape(1500, -1), mnist["y_train"][:1500, np.newaxis]
    own = io.BytesIO()
    np.savetxt(own, np.hstack([digits, pictures]), fmt="%d", delimiter=",")
    for content, fault in ((own.getvalue(), None), (b"0,1,2\n", "must have 500 lines at least")):
        file = server.http.post("/api/files", files={"file": ("own.csv", content, "text/csv")}).json()["id"]
        asked = {"data": file, "parameters": {"epochs": 2, "batch_size": 16}}
        started = server.http.post("/api/tasks/digits/train", json=asked)
        job = server.finished(started.json()["id"], 150)
        log = server.http.get(f"/api/jobs/{job['id']}/log").text
        if fault:
            assert job["state"] == "failed"
            assert fault in job["error"]
        else:
            assert job["outputs"]["metrics"]["accuracy"] > 0.6, job["error"]
            assert "Learning from own.csv." in log


def test_ink_anywhere_is_centred_as_mnist_has_it(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(repository / "examples" / "digits"))
    monkeypatch.delitem(sys.modules, "data", raising=False)
    from data import like_mnist

    ink = np.zeros((140, 140), np.uint8)
    ink[5:45, 10:20] = 255
    seen = like_mnist(ink)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (4, 23, 11, 15) or (
        rows[-1] - rows[0] == 19 and 3 <= columns[0] <= 13
    )
    assert not like_mnist(np.zeros((140, 140), np.uint8)).any()
    assert like_mnist(np.full((140, 140), 255, np.uint8)).sum() == 20 * 20 * 255
