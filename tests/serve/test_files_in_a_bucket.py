"""A server that keeps its files in a bucket: the same answers, and clear ones where something is wrong there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.people import Guarded
from support.servers.objects import ACCESS_KEY, SECRET_KEY, ObjectServer
from support.web import Web

SHOP = Path(__file__).parent / "shop"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """A server of our own: it is killed."""
    with ObjectServer(tmp_path_factory.mktemp("objects")) as objects:
        objects.make_bucket("web")
        yield objects


def bucket_settings(server: ObjectServer) -> dict[str, str]:
    return {
        "storage": "s3://web/one",
        "s3_endpoint": server.url,
        "s3_access_key": ACCESS_KEY,
        "s3_secret_key": SECRET_KEY,
    }


@pytest.fixture(scope="module")
def web(server: ObjectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    web = Web(tmp_path_factory.mktemp("web"), SHOP, **bucket_settings(server))
    yield web
    web.close()


def upload(web: Web, content: bytes, media_type: str = "application/x-thing") -> str:
    response = web.http.post("/api/files", files={"file": ("däta.bin", content, media_type)})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def key(file_id: str) -> str:
    return f"one/files/{file_id[-2:]}/{file_id}"


def test_a_file_comes_back_as_it_was(web: Web, server: ObjectServer) -> None:
    content = os.urandom(700_000)
    file_id = upload(web, content)
    assert key(file_id) in server.keys("web")
    assert not (web.installation.settings.data / "files").exists()
    back = web.http.get(f"/api/files/{file_id}")
    assert (back.content, back.headers["content-type"]) == (content, "application/x-thing")
    assert web.http.delete(f"/api/files/{file_id}").status_code == 204
    assert web.http.get(f"/api/files/{file_id}").status_code == 404
    assert key(file_id) not in server.keys("web")


def test_a_batch_file_is_answered_through_the_bucket(web: Web, server: ObjectServer) -> None:
    with web.working():
        response = web.http.post(
            "/api/tasks/double/batch",
            files={"file": ("numbers.csv", b"x,pause_s\n1,0\n3,0\n")},
            data={"format": "csv"},
        )
        assert response.status_code == 202, response.text
        job = web.finished(response.json()["id"])
    assert job["state"] == "succeeded", job
    result = web.http.get(f"/api/jobs/{job['id']}/result")
    assert result.text.splitlines()[0].startswith("x,")
    assert len(server.keys("web")) == 2


def test_a_small_damaged_file_is_a_problem_that_names_it(web: Web, server: ObjectServer) -> None:
    file_id = upload(web, b"what was kept")
    server.store("web").put(key(file_id), b"what is there")
    response = web.http.get(f"/api/files/{file_id}")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "däta.bin" in response.json()["detail"]
    assert "damaged" in response.json()["detail"]


def test_the_connection_breaks_before_the_end_of_a_large_damaged_file(web: Web, server: ObjectServer) -> None:
    content = bytearray(os.urandom(1_900_000))
    file_id = upload(web, bytes(content))
    content[1_000_000] ^= 1
    server.store("web").put(key(file_id), bytes(content))
    with pytest.raises(httpx.RemoteProtocolError):
        web.http.get(f"/api/files/{file_id}")


def test_nothing_is_half_kept_while_the_storage_is_down(web: Web, server: ObjectServer) -> None:
    file_id = upload(web, b"before")
    before = server.keys("web")
    server.kill()
    response = web.http.post("/api/files", files={"file": ("later.bin", b"x")})
    assert response.status_code == 503, response.text
    assert int(response.headers["retry-after"]) > 0
    assert "storage" in response.json()["detail"]
    assert SECRET_KEY not in response.text
    assert web.http.get(f"/api/files/{file_id}").status_code == 503
    assert web.http.get("/").status_code == 200, "the rest goes on"
    server.start()
    assert web.http.get(f"/api/files/{file_id}").content == b"before"
    assert server.keys("web") == before
    with web.installation.database.read() as connection:
        rows = connection.exec_driver_sql("select count(*) from files where name = 'later.bin'").scalar()
    assert rows == 0


def test_downloads_go_straight_to_the_bucket_where_that_is_set(server: ObjectServer, tmp_path: Path) -> None:
    where = bucket_settings(server)
    web = Guarded(tmp_path, SHOP, s3_links_s=60.0, **where)
    try:
        with web.program("ann") as ann, web.program("bob") as bob:
            sent = {name: ann.post("/api/files", files={"file": (name, b"a,b\n", kind)}).json()["id"]
                    for name, kind in (("däta.csv", "text/csv"), ("seen.png", "image/png"))}  # fmt: skip
            answer = ann.get(f"/api/files/{sent['däta.csv']}")
            assert answer.status_code == 307
            assert answer.headers["cache-control"] == "no-store"
            link = answer.headers["location"]
            assert link.startswith(server.url)
            assert SECRET_KEY not in link
            straight = httpx.get(link)
            assert straight.content == b"a,b\n"
            assert straight.headers["content-disposition"].startswith(
                "attachment; filename*=UTF-8''d%C3%A4ta"
            )
            assert ann.get(f"/api/files/{sent['seen.png']}").content == b"a,b\n", "pages show it"
            assert bob.get(f"/api/files/{sent['däta.csv']}").status_code == 404
            followed = httpx.get(
                f"{web.url}/api/files/{sent['däta.csv']}", headers=ann.headers, follow_redirects=True
            )
            assert followed.content == b"a,b\n"
        with web.program(None) as nobody:
            assert nobody.get(f"/api/files/{sent['däta.csv']}").status_code == 401
    finally:
        web.close()
