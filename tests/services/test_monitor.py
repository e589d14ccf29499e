"""From a question to feedback to a training that learns from it, on a real server that is killed on the way."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet
import pytest

from frontdesk.client import Client
from frontdesk.errors import FrontdeskError, InvalidInput, NotFound
from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks"


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    sources = (repository / "examples" / "flowers", TASKS / "desk.py")
    options = ("--web-workers", "2")
    with serving(tmp_path_factory.mktemp("watched"), *sources, options=options) as server:
        until(lambda: server.predict("flowers").status_code == 200, 30, "the first version")
        yield server


def figures(server: Server, task: str = "flowers", **query: object) -> dict:
    answer = server.http.get(f"/api/tasks/{task}/monitor", params={"span": "hour", **query})  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def say(server: Server, prediction: str, **said: object) -> httpx.Response:
    return server.http.post(f"/api/predictions/{prediction}/feedback", json=said)


def test_answers_are_counted_whichever_process_gave_them(server: Server) -> None:
    before = figures(server)["answers"]
    for number in range(40):
        assert server.predict("flowers", petal_length=number / 10).status_code == 200
    until(lambda: figures(server)["answers"] >= before + 40, 5, "the counts of both web processes")
    found = figures(server, model="mlp", version=1)
    assert found["versions"][0]["version"] == {"model": "mlp", "number": 1}
    assert set(found["classes"]) <= {"Setosa", "Versicolor", "Virginica"}
    assert found["latency"]["p50"] > 0
    assert figures(server, model="node")["answers"] == 0
    assert server.http.get("/api/tasks/flowers/monitor?span=year").json()["errors"][0]["pointer"] == "/span"


def test_the_inputs_are_compared_with_what_the_first_version_learned_from(server: Server) -> None:
    for _ in range(40):
        server.predict("flowers", petal_length=0.1)
    until(
        lambda: (
            figures(server, model="mlp")["drift"] and figures(server, model="mlp")["drift"][0]["count"] >= 40
        ),
        30,
        "drift",
    )
    found = figures(server, model="mlp")
    assert found["profile"]["source"] == "training"
    assert found["profile"]["classes"] == {"Setosa": 50, "Versicolor": 50, "Virginica": 50}
    by_name = {one["name"]: one for one in found["drift"]}
    assert by_name["petal_length"]["verdict"] == "shifted"
    assert by_name["petal_length"]["psi"] > 0.25


def test_feedback_is_given_checked_changed_and_seen(server: Server) -> None:
    answer = server.predict("flowers").json()
    assert answer["outputs"]["answer"]["label"] == "Versicolor"
    assert say(server, answer["id"]).json()["errors"][0]["pointer"] == "/right"
    assert (
        say(server, answer["id"], truth={"answer": "Tulip"}).json()["errors"][0]["pointer"] == "/truth/answer"
    )
    assert say(server, answer["id"], wrong=True).status_code == 422
    first = say(server, answer["id"], right=True)
    assert (first.status_code, first.json()["truth"]) == (200, {"answer": "Versicolor"})
    second = say(server, answer["id"], truth={"answer": "Virginica"}).json()
    assert (second["right"], second["answer_kept"]) == (False, True)
    shown = server.http.get(f"/api/predictions/{answer['id']}/feedback").json()
    assert shown == second
    found = figures(server)["feedback"][-1]
    assert (found["count"], found["right"]) == (1, 0)


def test_others_predictions_and_made_up_ones_are_not_found(server: Server) -> None:
    answer = server.predict("flowers").json()["id"]
    made_up = answer[:-1] + ("0" if answer[-1] != "0" else "1")
    for prediction in (made_up, "nonsense", "01890000-0000-7000-8000-000000000000"):
        assert say(server, prediction, right=True).status_code == 404


def test_a_ticket_can_be_spoken_of_too(server: Server) -> None:
    job = server.finished(server.submit("flowers"))
    said = say(server, job["id"], truth={"answer": "Setosa"}).json()
    assert (said["right"], said["model"], said["version"]) == (False, "mlp", job["version"])
    batch = server.http.post(
        "/api/tasks/flowers/batch",
        files={"file": ("a.csv", "sepal_length,sepal_width,petal_length,petal_width\n1,1,1,1\n")},
    ).json()["id"]
    server.finished(batch)
    assert say(server, batch, right=True).status_code == 404


def test_an_answer_that_was_not_kept_can_be_spoken_of_if_one_says_whether_it_was_right(
    tmp_path: Path,
) -> None:
    with serving(
        tmp_path, TASKS / "desk.py", options=["--web-workers", "2"], FRONTDESK_MONITOR="counts"
    ) as server:
        prediction = server.predict("sign", text="shut").json()["id"]
        refused = say(server, prediction, truth={"answer": "open"})
        assert refused.json()["errors"][0]["pointer"] == "/right"
        said = say(server, prediction, truth={"answer": "open"}, right=False)
        assert said.status_code == 200, said.text
        assert said.json()["answer_kept"] is False
        assert (
            say(server, prediction[:-1] + ("0" if prediction[-1] != "0" else "1"), right=True).status_code
            == 404
        )
        until(lambda: figures(server, "sign")["answers"] == 1, 5, "the count")
        assert figures(server, "sign")["feedback"][-1]["count"] == 1
        assert server.http.get("/api/tasks/sign/collected").text.count("\n") == 1


def collected(server: Server) -> list[dict[str, str]]:
    text = server.http.get("/api/tasks/flowers/collected").text
    return list(csv.DictReader(io.StringIO(text)))


def test_true_answers_become_a_data_set_that_is_trained_on(server: Server) -> None:
    with Client(server.url) as client:
        for number in range(60):
            answer = client.ask("flowers", petal_length=float(number % 6 + 1), petal_width=number / 30)
            client.feedback(answer["id"], truth={"answer": ("Setosa", "Virginica", "Versicolor")[number % 3]})
        with pytest.raises(InvalidInput):
            client.feedback(answer["id"], truth={"answer": "Tulip"})
        with pytest.raises(NotFound):
            client.feedback("01890000-0000-7000-8000-000000000000", right=True)
        rows = collected(server)
        assert rows[-1]["question"] == hashlib.sha256(answer["id"].encode()).hexdigest()[:16]
        assert answer["id"] not in server.http.get("/api/tasks/flowers/collected").text
        told = [row for row in rows if row["true"]]
        assert len(told) >= 60
        assert {row["predicted"] for row in rows} <= {"Setosa", "Versicolor", "Virginica"}
        table = pyarrow.parquet.read_table(
            io.BytesIO(server.http.get("/api/tasks/flowers/collected?format=parquet").content)
        )
        assert table.num_rows == len(rows)
        assert str(table.schema.field("petal_length").type) == "double"
        made = client.collected("flowers")
        content = server.http.get(f"/api/files/{made['id']}").text
        lines = content.splitlines()
        assert lines[0] == "sepal_length,sepal_width,petal_length,petal_width,answer"
        assert len(lines) == len(told) + 1
        job = client.wait(
            client.train("flowers", {"epochs": 3}, model="mlp", data=made["id"])["id"], timeout_s=60
        )
    versions = {
        v["number"]: v for v in server.http.get("/api/tasks/flowers/models/mlp/versions").json()["items"]
    }
    learned, first = versions[job["version"]], versions[1]
    assert learned["data_sha256"] == made["sha256"] != first["data_sha256"]
    server.http.post(f"/api/tasks/flowers/models/mlp/versions/{job['version']}/live")
    # The version before answers until the host of this one is warm.
    until(lambda: server.predict("flowers").json()["version"] == job["version"], 30, "an answer of it")
    until(
        lambda: figures(server, model="mlp", version=job["version"])["profile"],
        30,
        "the profile of the new version",
    )
    profile = figures(server, model="mlp", version=job["version"])["profile"]
    assert profile["count"] == len(told)


def test_feedback_outlives_a_kill_and_at_most_the_last_moments_of_counts_do_not(server: Server) -> None:
    answer = server.predict("flowers").json()["id"]
    assert say(server, answer, right=False).status_code == 200
    before = figures(server)["answers"]
    server.kill_everything()
    server.start()
    until(lambda: server.predict("flowers").status_code == 200, 30, "an answer")
    assert figures(server)["answers"] >= before
    assert server.http.get(f"/api/predictions/{answer}/feedback").json()["right"] is False


def test_without_a_reference_it_says_so_and_can_take_the_first_questions(server: Server) -> None:
    for _ in range(130):
        server.predict("sign", text="shut")
    until(lambda: figures(server, "sign")["answers"] >= 130, 5, "the counts")
    assert figures(server, "sign")["profile"] is None
    until(lambda: server.http.get("/api/tasks/sign/collected").text.count("\n") > 100, 5, "the questions")
    answer = server.http.post("/tasks/sign/monitor/compare?model=sign&version=1")
    assert answer.status_code == 303, answer.text
    assert figures(server, "sign")["profile"]["source"] == "questions"


def test_deleting_what_was_kept_leaves_the_counts(server: Server) -> None:
    before = figures(server)["answers"]
    deleted = server.http.delete("/api/tasks/flowers/collected").json()["deleted"]
    assert deleted > 0
    assert collected(server) == []
    assert figures(server)["answers"] >= before
    assert server.http.post("/api/tasks/flowers/collected/file").status_code == 409
    with Client(server.url) as client, pytest.raises(FrontdeskError, match="Nobody has said yet"):
        client.collected("flowers")
