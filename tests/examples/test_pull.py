"""Fetching what an example needs, from a real server that can cut connections."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from frontdesk.catalog.downloads import Download, pull, read_pull_list
from frontdesk.errors import FrontdeskError

CONTENT = bytes(range(256)) * 1000


class Home(ThreadingHTTPServer):
    """Serves CONTENT under every address, `cut` bytes of it at most; notes the ranges it was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.cut, self.status = CONTENT, len(CONTENT), 200
        self.ranges: list[str | None] = []

    def download(self, path: str = "models/net.onnx") -> Download:
        url = f"http://127.0.0.1:{self.server_port}/{path}"
        return Download(path, url, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


class Handler(BaseHTTPRequestHandler):
    server: Home

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        self.server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        rest = self.server.content[start:]
        self.send_response(206 if asked and self.server.status == 200 else self.server.status)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def home() -> Iterator[Home]:
    with Home() as home:
        thread = threading.Thread(target=home.serve_forever, args=(0.01,))
        thread.start()
        yield home
        home.shutdown()
        thread.join()


def test_it_fetches_what_is_missing_and_only_that(home: Home, tmp_path: Path) -> None:
    told: list[str] = []
    pull([home.download()], tmp_path, told.append)
    pull([home.download()], tmp_path, told.append)
    assert (tmp_path / "models" / "net.onnx").read_bytes() == CONTENT
    assert home.ranges == [None]
    assert told == ["models/net.onnx (256,000 bytes)", "1 of 1 files are there already."]
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["net.onnx"]


def test_it_continues_where_a_connection_ended(home: Home, tmp_path: Path) -> None:
    home.cut = 100_000
    with pytest.raises(FrontdeskError, match="1 of 1 files could not be fetched"):
        pull([home.download()], tmp_path, print)
    assert not (tmp_path / "models" / "net.onnx").exists()
    home.cut = len(CONTENT)
    pull([home.download()], tmp_path, print)
    assert (tmp_path / "models" / "net.onnx").read_bytes() == CONTENT
    assert home.ranges[0] is None
    assert home.ranges[1] is not None


@pytest.mark.parametrize("content", [CONTENT[::-1], CONTENT + b"more"])
def test_another_file_is_refused_and_not_kept(home: Home, tmp_path: Path, content: bytes) -> None:
    home.content, home.cut = content, len(content)
    with pytest.raises(FrontdeskError, match="is not the file it was"):
        pull([home.download()], tmp_path, print)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_damaged_file_is_fetched_again(home: Home, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.onnx").write_bytes(b"half")
    pull([home.download()], tmp_path, print)
    assert (tmp_path / "models" / "net.onnx").read_bytes() == CONTENT


def test_what_cannot_be_had_is_named_after_the_rest_was_fetched(home: Home, tmp_path: Path) -> None:
    nowhere = Download("labels/a.json", "http://nowhere.invalid/a.json", "0" * 64, 1)
    with pytest.raises(FrontdeskError, match=r"labels/a\.json: nowhere\.invalid cannot be reached"):
        pull([nowhere, home.download()], tmp_path, print)
    assert (tmp_path / "models" / "net.onnx").exists()
    home.status = 404
    with pytest.raises(FrontdeskError, match="answered 404"):
        pull([home.download("models/other.onnx")], tmp_path, print)


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", "a\\b", ""])
def test_a_path_that_leaves_the_models_folder_is_refused(tmp_path: Path, path: str) -> None:
    line = f"[[file]]\npath = '{path}'\nurl = 'https://a/b'\nsha256 = '{'0' * 64}'\nsize = 1\n"
    (tmp_path / "pull.toml").write_text(line)
    with pytest.raises(FrontdeskError, match="no path below the models folder"):
        read_pull_list(tmp_path)


def test_without_a_list_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FrontdeskError, match="nothing to pull"):
        read_pull_list(tmp_path)


def test_the_photos_list_matches_the_files_there_are(repository: Path, test_data: Path) -> None:
    listed = read_pull_list(repository / "examples" / "photos")
    assert len([download for download in listed if download.path.startswith("models/")]) == 3
    told: list[str] = []
    pull(listed, test_data, told.append)
    assert told == [f"{len(listed)} of {len(listed)} files are there already."]
