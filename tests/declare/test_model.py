"""The model class, the shelf, the run and routes: what authors touch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import frontdesk as fd
from frontdesk.declare.model import name_of
from frontdesk.declare.shelf import collect
from frontdesk.errors import DeclarationError


@pytest.mark.parametrize(
    ("identifier", "name"),
    [("WordList", "word_list"), ("MLP", "mlp"), ("BigMLP2", "big_mlp2"), ("HTTPServer", "http_server"), ("_f", "f"), ("add_one", "add_one")],
)  # fmt: skip
def test_names_come_from_identifiers(identifier: str, name: str) -> None:
    assert name_of(identifier) == name


def test_every_class_has_a_name_of_its_own() -> None:
    class First(fd.Model):
        name = "one"

    class Second(First): ...

    assert (First.name, Second.name) == ("one", "second")


def test_only_what_is_declared_while_the_shelf_is_open_is_on_it() -> None:
    class Before(fd.Model): ...

    with collect() as outer:

        class Outer(fd.Model): ...

        with collect() as inner:

            class Inner(fd.Model): ...

    class After(fd.Model): ...

    assert (outer, inner) == ([Outer], [Inner])


def test_a_run_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    run = fd.Run(Path("weights"), Path("checkpoints"), seed=7)
    run.progress(3, 10, "epochs")
    run.progress(3)
    run.report(loss=0.25, accuracy=1.0)
    run.log("done")
    told = capsys.readouterr().out.splitlines()
    assert told == ["3 of 10 epochs", "3 done", "loss 0.25, accuracy 1", "done"]
    assert not run.cancelled
    assert run.dir == run.folder


def test_routes_keep_their_order() -> None:
    routes = fd.Routes()

    @routes.route("get", "/time")
    async def time(request: fd.RouteRequest) -> str:
        return "now"

    @routes.route("POST", "/time/{zone}")
    async def in_zone(request: fd.RouteRequest) -> fd.RouteResponse:
        return fd.RouteResponse({"zone": request.path["zone"]}, status=201)

    assert [(route.method, route.path) for route in routes.declarations] == [
        ("GET", "/time"),
        ("POST", "/time/{zone}"),
    ]
    assert routes.declarations[0].function is time


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [("FETCH", "/a", "no method"), ("GET", "a", "slash"), ("GET", "/taken", "declared twice")],
)
def test_wrong_routes_are_refused_where_they_stand(method: str, path: str, words: str) -> None:
    routes = fd.Routes()

    async def function(request: Any) -> str:
        return ""

    routes.route("GET", "/taken")(function)
    with pytest.raises(DeclarationError, match=words) as refusal:
        routes.route(method, path)(function)
    assert refusal.value.file == __file__
    assert refusal.value.line == function.__code__.co_firstlineno


def test_a_route_that_would_block_the_server_is_refused() -> None:
    def function(request: Any) -> str:
        return ""

    with pytest.raises(DeclarationError, match="async def function"):
        fd.Routes().route("GET", "/a")(function)  # type: ignore[type-var]
