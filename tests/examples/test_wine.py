"""The wine example, served for real: four models, and one of them says how sure it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import Server, serving, until

MODELS = ("bayesian", "forest", "tree", "bayes")
TYPICAL = {
    "Barolo": {"alcohol": 13.7, "flavanoids": 3.0, "color_intensity": 5.5, "hue": 1.06, "od280": 3.2, "proline": 1100},
    "Grignolino": {"alcohol": 12.3, "flavanoids": 2, "color_intensity": 3.1, "hue": 1.06, "od280": 2.8, "proline": 520},
    "Barbera": {"alcohol": 13.2, "flavanoids": 0.8, "color_intensity": 7.4, "hue": 0.68, "od280": 1.7, "proline": 630},
}  # fmt: skip


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), repository / "examples" / "wine") as server:
        for model in MODELS:
            until(lambda model=model: ask(server, model) is not None, 60, f"the first version of {model}")
        yield server


def ask(server: Server, model: str, **inputs: float) -> dict | None:
    response = server.http.post(
        "/api/tasks/wine/predict", json={"model": model, "inputs": inputs}, timeout=60
    )
    return response.json()["outputs"]["answer"] if response.status_code == 200 else None


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("cultivar", TYPICAL)
def test_every_model_knows_typical_wines(server: Server, model: str, cultivar: str) -> None:
    answer = ask(server, model, **TYPICAL[cultivar])
    assert answer is not None
    assert answer["label"] == cultivar
    assert sum(score["score"] for score in answer["scores"]) == pytest.approx(1)


def test_the_bayesian_network_shows_its_hundred_passes(server: Server) -> None:
    answer = ask(server, "bayesian")
    assert answer is not None
    for score in answer["scores"]:
        assert len(set(score["samples"])) == 100
        assert score["interval"]["low"] < score["score"] < score["interval"]["high"]
        assert sum(score["samples"]) / 100 == pytest.approx(score["score"])


def test_it_is_less_sure_of_a_wine_between_two(server: Server) -> None:
    def width(inputs: dict[str, float]) -> float:
        answer = ask(server, "bayesian", **inputs)
        assert answer is not None
        interval = answer["scores"][0]["interval"]
        return interval["high"] - interval["low"]

    one, other = TYPICAL["Barolo"], TYPICAL["Barbera"]
    between = {name: (one[name] + other[name]) / 2 for name in one}
    assert width(between) > 2 * width(one)


def test_the_others_make_no_claim_about_it(server: Server) -> None:
    for model in MODELS[1:]:
        answer = ask(server, model)
        assert answer is not None
        assert set(answer["scores"][0]) == {"label", "score"}


def test_the_versions_were_measured_on_wines_not_seen(server: Server) -> None:
    kept = sorted(path.name for path in (server.data / "versions").rglob("*") if path.is_file())
    assert [name for name in kept if name.endswith((".npz", ".skops"))] == ["draws.npz"] + ["model.skops"] * 3


def test_waiting_files_are_processed_by_the_classic_routes(server: Server) -> None:
    # The template has a header and a row that fits; its other rows say what may stand in a column.
    rows = "\n".join(server.http.get("/api/tasks/wine/template?format=csv").text.splitlines()[:2]) + "\n"

    def upload(name: str, content: str) -> str:
        return str(server.http.post("/api/files", files={"file": (name, content.encode())}).json()["id"])

    assert server.http.get("/process_all").status_code == server.http.get("/process_file").status_code == 405
    one, two = upload("one.csv", rows), upload("two.csv", rows + rows.partition("\n")[2])
    upload("other.csv", "a\n1\n")
    upload("note.txt", "no sheet")
    answer = server.http.post(f"/process_file?id={one}")
    assert answer.status_code == 200, answer.text
    job = answer.json()["job"]
    assert server.finished(job)["state"] == "succeeded"
    answer = server.http.post("/process_all").json()
    assert list(answer["refused"]) == ["other.csv"]
    assert [server.finished(job)["title"] for job in answer["jobs"]] == ["two.csv"]
    assert server.http.post("/process_all").json()["jobs"] == []
    assert server.http.post("/process_file?id=nothing").status_code == 404
    assert server.http.post(f"/process_file?id={two}").status_code == 200
