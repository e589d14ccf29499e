"""Uploads: streamed in, streamed out, and never run in a browser."""

from __future__ import annotations

import hashlib

import pytest

from support.web import UPLOAD_LIMIT_BYTES, Web


def test_a_file_comes_back_as_it_was(web: Web) -> None:
    content = bytes(range(256)) * 1000
    response = web.http.post("/api/files", files={"file": ("däta.bin", content, "application/x-thing")})
    assert response.status_code == 201, response.text
    stored = response.json()
    assert response.headers["location"] == f"/api/files/{stored['id']}"
    assert stored["name"] == "däta.bin"
    assert stored["size_bytes"] == len(content)
    assert stored["sha256"] == hashlib.sha256(content).hexdigest()
    back = web.http.get(f"/api/files/{stored['id']}")
    assert back.content == content
    assert back.headers["content-type"] == "application/x-thing"
    assert web.http.delete(f"/api/files/{stored['id']}").status_code == 204
    assert web.http.get(f"/api/files/{stored['id']}").status_code == 404


@pytest.mark.parametrize(
    ("media_type", "disposition"),
    [("image/png", "inline"), ("image/svg+xml", "attachment"), ("text/html", "attachment")],
)
def test_only_what_is_harmless_is_shown_in_the_browser(web: Web, media_type: str, disposition: str) -> None:
    stored = web.http.post("/api/files", files={"file": ("a", b"x", media_type)}).json()
    assert web.http.get(f"/api/files/{stored['id']}").headers["content-disposition"].startswith(disposition)


def test_a_name_is_only_a_name(web: Web) -> None:
    stored = web.http.post("/api/files", files={"file": ("../../etc/passwd", b"x")}).json()
    assert stored["name"] == "passwd"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"files": {"other": ("a", b"x")}}, 422),
        ({"files": {"file": ("a", b"x" * (UPLOAD_LIMIT_BYTES + 1))}}, 413),
        ({"json": {}}, 415),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400),
        ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 400),
    ],
)
def test_it_refuses_what_is_not_an_upload(web: Web, request_: dict[str, object], status: int) -> None:
    assert web.http.post("/api/files", **request_).status_code == status  # type: ignore[arg-type]


def test_there_is_no_file_of_another_id(web: Web) -> None:
    assert web.http.get("/api/files/..%2Ffrontdesk.db").status_code == 404
    assert web.http.delete("/api/files/01a1fb6c-1781-7196-be6a-62043766113b").status_code == 404
