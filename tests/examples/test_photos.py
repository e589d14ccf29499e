"""Four real networks on real photos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
