"""Four real networks on real photos."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from support.server import Server, serving, until

SURE = 0.9


@pytest.fixture(scope="module")
def server(repository: Path, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    photos = repository / "examples" / "photos"
    with serving(tmp_path_factory.mktemp("data"), photos, FRONTDESK_MODELS=str(test_data)) as server:
        yield server


@pytest.mark.parametrize("model", ["mobilenetv2", "shufflenet", "squeezenet", "mobilenet"])
@pytest.mark.parametrize("photo", ["n01531178_goldfinch.JPEG", "n01443537_goldfish.JPEG"])
def test_each_network_is_sure_of_what_all_were_sure_of(
    server: Server, test_data: Path, model: str, photo: str
) -> None:
    content = (test_data / "images" / photo).read_bytes()
    response = server.http.post("/predict", params={"model": model}, files={"image": ("p.jpg", content)})
    data = response.json()["data"]
    assert data[0][0] == photo.split("_")[1].split(".", maxsplit=1)[0]
    assert data[0][1] > 100 * SURE
    assert len(data) == 5


def test_it_lists_models_and_images(server: Server) -> None:
    info = server.http.get("/info").json()
    assert info["models"] == ["mobilenetv2", "shufflenet", "squeezenet", "mobilenet"]
    assert "n01531178_goldfinch.JPEG" in info["images"]


def test_a_ticket_of_old_ends_with_five_labels(server: Server) -> None:
    form = {"image": "n01443537_goldfish.JPEG", "model": "shufflenet"}
    response = server.http.post("/classifications", data=form)
    address = response.headers["location"]
    until(lambda: server.http.get(address).json()["data"], 20, "the answer")
    assert server.http.get(address).json()["data"][0][0] == "goldfish"
    assert "<form" in server.http.get("/classifications").text


def test_a_broken_picture_is_refused(server: Server, test_data: Path) -> None:
    broken = (test_data / "hostile_images" / "truncated_image.png").read_bytes()
    response = server.http.post("/predict", files={"image": ("b.png", broken)})
    assert response.status_code == 422


def test_the_networks_see_what_was_measured(server: Server, test_data: Path) -> None:
    """Every photo of the folder, asked of every network, beside the table that came with them."""
    labels = json.loads((test_data / "labels" / "imagenet-simple-labels.json").read_text())
    names = {
        "mobilenetv2-12-int8.onnx": "mobilenetv2",
        "shufflenet-v2-12-qdq.onnx": "shufflenet",
        "squeezenet1.1_fp16.onnx": "squeezenet",
        "mobilenet_v1_0.25_224.onnx": "mobilenet",
    }
    sure, right, measured_right = 0, 0, 0
    with (test_data / "images" / "measured_top1.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if (test_data / "images" / row["file"]).exists()]
    for row in rows:
        with (test_data / "images" / row["file"]).open("rb") as photo:
            address = f"/api/tasks/photos/predict?model={names[row['model']]}"
            answer = server.http.post(address, files={"photo": photo}).json()["outputs"]["answer"]
        if float(row["top1_probability"]) > SURE:
            assert answer["label"] == labels[int(row["top1_index"])], row
            sure += 1
        right += answer["label"] == labels[int(row["class_index"])]
        measured_right += row["correct"] == "1"
    assert sure >= 20
    # Scores in 8 bits differ a little from processor to processor, and one photo is turned upright first.
    assert abs(right - measured_right) <= 4


def test_a_picture_that_lies_on_its_side_is_turned_upright(
    server: Server, test_data: Path, tmp_path: Path
) -> None:
    with Image.open(test_data / "images" / "n01531178_goldfinch.JPEG") as photo:
        turned = photo.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter, clockwise
    upright, sideways = (
        _scores(server, turned, tmp_path / name, exif=given)
        for name, given in (("a.png", exif), ("b.png", Image.Exif()))
    )
    assert upright["label"] == "goldfinch"
    assert upright["scores"][0]["score"] > SURE
    assert upright["scores"] != sideways["scores"]


def _scores(server: Server, picture: Image.Image, path: Path, exif: Image.Exif) -> dict:
    picture.save(path, exif=exif)
    return server.http.post("/api/tasks/photos/predict", files={"photo": path.read_bytes()}).json()[
        "outputs"
    ]["answer"]


def test_a_ticket_that_is_none_is_not_found(server: Server) -> None:
    assert server.http.get("/classifications/0197f000-0000-7000-8000-000000000000").status_code == 404


@pytest.mark.parametrize("image", ["../models/mobilenetv2-12-int8.onnx", "nothing.JPEG", ""])
def test_only_images_of_the_list_can_be_named(server: Server, image: str) -> None:
    response = server.http.post("/classifications", data={"image": image})
    assert response.status_code == 422
    assert "/info" in response.text


def test_an_unknown_model_is_refused_with_those_there_are(server: Server) -> None:
    response = server.http.post("/predict?model=lenet", files={"image": ("p.jpg", b"1")})
    assert response.status_code == 422
    assert "mobilenetv2, shufflenet, squeezenet, mobilenet" in response.text


def test_without_weights_it_says_what_to_run(repository: Path, test_data: Path, tmp_path: Path) -> None:
    photo = (test_data / "images" / "n01443537_goldfish.JPEG").read_bytes()
    with serving(tmp_path / "data", repository / "examples" / "photos") as bare:
        response = bare.http.post("/predict", files={"image": photo})
        assert response.status_code == 409
        assert "Run: frontdesk pull photos" in response.json()["detail"]
        fourth = bare.http.post("/predict?model=mobilenet", files={"image": photo})
        assert "README.md" in fourth.json()["detail"]
        assert bare.http.get("/info").json()["images"] == []
        page = bare.http.get("/tasks/photos", headers={"Accept": "text/html"}, follow_redirects=True)
        assert page.status_code == 200


@pytest.mark.parametrize("model", ["mobilenetv2", "squeezenet"])
def test_a_picture_one_pixel_wide_costs_no_more_than_any_other(
    server: Server, model: str, tmp_path: Path
) -> None:
    Image.new("L", (1, 200_000)).save(tmp_path / "line.png")
    with (tmp_path / "line.png").open("rb") as line:
        address = f"/api/tasks/photos/predict?model={model}"
        response = server.http.post(address, files={"photo": line}, headers={"Prefer": "wait=5"})
    assert response.status_code == 200, response.text
