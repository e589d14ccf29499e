"""The OpenAPI document is valid, complete, and true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from frontdesk.declare.columns import takes_rows
from frontdesk.declare.signature import TaskCard
from frontdesk.serve.routes import api_routes
from support.web import Web


@pytest.fixture(scope="module")
def document(web: Web) -> dict[str, Any]:
    return dict(web.http.get("/openapi.json").json())


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_is_described(document: dict[str, Any], web: Web) -> None:
    declared = {
        (method, path)
        for route in api_routes()
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
        for path in expanded(route.path, web.app.state.services.tasks)
    } - {("GET", "/openapi.json"), ("GET", "/docs")}
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == declared


def expanded(path: str, tasks: Mapping[str, TaskCard]) -> list[str]:
    if path.endswith("/train"):
        trained = [card.name for card in tasks.values() if any(model.trains for model in card.models)]
        return [path.replace("{task}", task) for task in trained]
    if re.search(r"/(batch|template)$", path):
        return [path.replace("{task}", name) for name, card in tasks.items() if takes_rows(card.signature)]
    if re.search(r"/(predict|compare)$", path):
        return [path.replace("{task}", task) for task in tasks]
    return [path]


def test_an_answer_fits_its_schema(document: dict[str, Any], web: Web) -> None:
    operation = document["paths"]["/api/tasks/double/predict"]["post"]
    answer = web.predict("double", x=1)
    check(document, operation["responses"]["200"]["content"]["application/json"]["schema"], answer.json())
    problem = web.predict("double", x="one")
    check(
        document,
        operation["responses"]["422"]["content"]["application/problem+json"]["schema"],
        problem.json(),
    )
    ticket = web.predict("double", x=301, headers={"Prefer": "respond-async"})
    check(document, operation["responses"]["202"]["content"]["application/json"]["schema"], ticket.json())
    web.http.post(f"/api/jobs/{ticket.json()['id']}/cancel")


@pytest.mark.parametrize("address", ["/api/tasks", "/api/jobs", "/api/hosts"])
def test_a_list_fits_its_schema(document: dict[str, Any], web: Web, address: str) -> None:
    schema = document["paths"][address]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    check(document, schema, web.http.get(address).json())


def test_a_request_that_fits_the_schema_is_described(document: dict[str, Any]) -> None:
    schema = document["paths"]["/api/tasks/double/predict"]["post"]["requestBody"]["content"][
        "application/json"
    ]["schema"]
    check(document, schema, {"inputs": {"x": 1}})
    for wrong in ({"inputs": {"x": 1001}}, {"inputs": {"y": 1}}, {"inputs": {"x": 1}, "other": 1}, {}):
        with pytest.raises(jsonschema.ValidationError):
            check(document, schema, wrong)


def test_it_is_not_sent_again_to_who_has_it(web: Web) -> None:
    etag = web.http.get("/openapi.json").headers["etag"]
    assert web.http.get("/openapi.json", headers={"If-None-Match": etag}).status_code == 304


def test_the_docs_page_loads_nothing_from_elsewhere(web: Web) -> None:
    page = web.http.get("/docs").text
    assert re.findall(r'(?:src|href)="(?!/)', page) == []
    assert "<script>" not in page
    assert web.http.get("/docs/start.js").headers["content-type"].startswith("text/javascript")


def check(document: dict[str, Any], schema: dict[str, Any], instance: object) -> None:
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(instance)
