"""Classic routes: asking, forms, tickets, and addresses they may not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontdesk.errors import DeclarationError
from frontdesk.serve.extensions import classic_routes
from frontdesk.serve.routes import api_routes
from support.web import WAIT_LIMIT_S, Web


def test_a_classic_route_asks(web: Web) -> None:
    assert web.http.get("/old/double/4").json() == {"data": 8.0}


def test_a_classic_route_takes_forms(web: Web) -> None:
    response = web.http.post("/old/measure?model=other", files={"file": ("a", b"123")})
    assert response.json() == {"said": "other: 3 bytes"}


def test_a_classic_route_gives_tickets(web: Web) -> None:
    response = web.http.post("/old/tickets", json={"x": 401})
    assert response.status_code == 201, response.text
    job_id = response.json()["ticket"]
    assert web.http.get(f"/old/tickets/{job_id}").text == "queued"
    assert web.http.get("/old/tickets/nothing").text == "nothing"
    web.http.post(f"/api/jobs/{job_id}/cancel")


def test_what_a_model_refuses_is_a_problem_there_too(web: Web) -> None:
    response = web.http.get("/old/double/1001")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/inputs/x"


def test_it_is_the_same_problem_when_it_took_a_ticket_to_find_out(web: Web) -> None:
    response = web.http.get("/old/double/666", params={"pause_s": WAIT_LIMIT_S + 0.3})
    assert response.status_code == 422, response.text
    assert response.json()["errors"] == [{"pointer": "/inputs", "detail": "Anything but this."}]


def test_other_methods_are_refused_and_named(web: Web) -> None:
    response = web.http.post("/old/double/1")
    assert (response.status_code, set(response.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import frontdesk as fd\nroutes = fd.Routes()\n@routes.route('GET', '/livez')\nasync def f(request): ...",
            "itself",
        ),
        ("x = 1", "no `routes`"),
        ("import frontdesk as fd\n\nraise ValueError('no')", "ValueError"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(web: Web, tmp_path: Path, source: str, words: str) -> None:
    import msgspec

    file = tmp_path / "routes.py"
    file.write_text(source)
    card = msgspec.structs.replace(web.app.state.services.tasks["double"], routes=str(file))
    with pytest.raises(DeclarationError, match=words) as caught:
        classic_routes({"double": card}, api_routes())
    assert str(file) in str(caught.value)
