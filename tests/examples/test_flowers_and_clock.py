"""The small examples, served for real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import Server, serving, until


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    examples = repository / "examples"
    with serving(tmp_path_factory.mktemp("data"), examples / "flowers", examples / "clock.py") as server:
        until(lambda: server.predict("flowers").status_code == 200, 30, "the first version")
        yield server


@pytest.mark.parametrize(
    ("flower", "species"),
    [
        ([5.1, 3.5, 1.4, 0.2], "Setosa"),
        ([6.0, 2.7, 4.2, 1.3], "Versicolor"),
        ([6.3, 3.3, 6.0, 2.5], "Virginica"),
    ],
)
def test_it_names_typical_flowers(server: Server, flower: list[float], species: str) -> None:
    answer = server.http.post("/classify", json={"data": flower}).json()
    assert answer["data"] == species
    assert sum(answer["scores"].values()) == pytest.approx(1)


def test_the_first_version_was_measured_on_held_out_flowers(server: Server) -> None:
    assert server.http.get("/api/tasks/flowers").json()["models"][0]["version"] == 1
    assert [path.name for path in (server.data / "versions").rglob("weights.npz")] == ["weights.npz"]


def test_the_old_address_trains_and_tells_the_accuracy(server: Server) -> None:
    answer = server.http.post("/train", json={"hidden_units": 8, "epochs": 40, "seed": 2}).json()
    assert set(answer) == {"data"}
    assert 0.85 < answer["data"] <= 1
    versions = server.http.get("/api/tasks/flowers/models/mlp/versions").json()["items"]
    assert versions[0]["parameters"]["hidden_units"] == 8
    assert versions[0]["metrics"]["accuracy"] == answer["data"]
    refused = server.http.post("/train", json={"hidden_units": 0})
    assert refused.json()["errors"] == [
        {"pointer": "/parameters/hidden_units", "detail": "Must be at least 1."}
    ]


def test_a_wrong_list_is_refused_with_the_reason(server: Server) -> None:
    response = server.http.post("/classify", json={"data": [1, 2]})
    assert response.status_code == 422
    assert "four numbers" in response.text


def test_a_measurement_out_of_range_names_field_limit_and_unit(server: Server) -> None:
    response = server.predict("flowers", petal_width=11)
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"pointer": "/inputs/petal_width", "detail": "Must be at most 10 cm."}
    ]


def test_the_clock_tells_the_time_of_a_zone_as_plain_text(server: Server) -> None:
    assert server.http.get("/time").text.endswith("UTC")
    for zone, abbreviation in {"Asia/Tokyo": "JST", "UTC": "UTC", "America/Argentina/Ushuaia": "-03"}.items():
        response = server.http.get(f"/time/{zone}")
        assert response.text.endswith(abbreviation)
        assert response.headers["Content-Type"].startswith("text/plain")


def test_an_unknown_zone_is_refused(server: Server) -> None:
    for zone in ("Middle/Earth", "%2e%2e/%2e%2e/etc/passwd", "Asia", "x" * 100):
        response = server.http.get(f"/time/{zone}")
        assert response.status_code == 422, zone
        assert response.json()["errors"][0]["pointer"] == "/inputs/zone"
    assert server.predict("clock", zone="../etc/passwd").json()["errors"][0]["pointer"] == "/inputs/zone"
