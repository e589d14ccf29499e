"""What there is to ask."""

from __future__ import annotations

import jsonschema

from support.web import Web


def test_it_lists_the_tasks_with_their_schemas(web: Web) -> None:
    tasks = {task["name"]: task for task in web.http.get("/api/tasks").json()["items"]}
    assert list(tasks) == list(web.app.state.services.tasks)
    double = tasks["double"]
    jsonschema.Draft202012Validator.check_schema(double["inputs"])
    jsonschema.Draft202012Validator.check_schema(double["outputs"])
    assert double["inputs"]["required"] == ["x"]
    assert [model["version"] for model in double["models"]] == [1]
    assert [(model["name"], model["is_default"]) for model in tasks["measure"]["models"]] == [
        ("plain", True),
        ("other", False),
    ]


def test_a_model_that_was_never_trained_has_no_version(web: Web) -> None:
    task = web.http.get("/api/tasks/untrained").json()
    assert task["models"][0]["version"] is None
    assert "epochs" in task["training"][task["models"][0]["name"]]["properties"]


def test_there_is_no_task_of_another_name(web: Web) -> None:
    assert web.http.get("/api/tasks/nothing").status_code == 404
