"""Multipart bodies, however they are cut into pieces."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from frontdesk.serve.forms import Part, plain_name, read_form
from frontdesk.serve.problems import Problem

BODY = (
    b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    b"\x89PNG\r\n--not the end\r\n\r\n--b--\r\n"
)


def read(
    chunks: list[bytes], limits: dict[str, int], media_type: str = "multipart/form-data; boundary=b"
) -> dict[str, tuple[str | bytes, Part]]:
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, object]:
        return waiting.pop(0)

    async def values() -> dict[str, tuple[str | bytes, Part]]:
        scope = {"type": "http", "headers": [(b"content-type", media_type.encode())]}
        async with read_form(Request(scope, receive), limits) as parts:
            return {name: (part.value(), part) for name, part in parts.items()}

    return asyncio.run(values())


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_it_does_not_matter_where_a_body_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    chunks = [BODY[start:end] for start, end in itertools.pairwise(edges)]
    parts = read(chunks, {"text": 5, "file": 100})
    assert parts["text"][0] == "hello"
    assert parts["file"][0] == b"\x89PNG\r\n--not the end\r\n"
    assert (parts["file"][1].filename, parts["file"][1].media_type) == ("a.png", "image/png")


@given(st.binary(max_size=300))
def test_nonsense_is_a_problem_and_nothing_else(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read([body], {})
    assert caught.value.status in (400, 413, 422)


@pytest.mark.parametrize(
    "media_type", ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded"]
)
def test_a_name_may_come_again_only_behind_the_hidden_no_of_a_box_to_tick(media_type: str) -> None:
    def body(*values: str) -> bytes:
        if "urlencoded" in media_type:
            return "&".join(f"loud={value}" for value in values).encode()
        head = '--b\r\nContent-Disposition: form-data; name="loud"\r\n\r\n'
        return "".join(f"{head}{value}\r\n" for value in values).encode() + b"--b--\r\n"

    for values in (["true"], ["false"], ["false", "true"]):
        assert read([body(*values)], {"loud": 9}, media_type)["loud"][0] == values[-1]
    for values in (["true", "false"], ["1", "2"], ["false", "true", "true"]):
        with pytest.raises(Problem) as caught:
            read([body(*values)], {"loud": 9}, media_type)
        assert (caught.value.status, caught.value.errors[0].pointer) == (422, "/loud")


def test_a_part_over_its_limit_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        read([BODY], {"text": 4, "file": 100})
    assert caught.value.status == 413


def test_a_large_part_goes_to_disk_and_comes_back_whole() -> None:
    content = b"0123456789" * 300_000
    head, tail = BODY.split(b"\x89PNG\r\n--not the end\r\n")
    pieces = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]
    parts = read([head, *pieces, tail], {"text": 5, "file": len(content)})
    assert parts["file"][0] == content


def test_plain_forms_are_read_too() -> None:
    parts = read([b"a=1&b=%C3%A4", b"+b"], {"a": 1, "b": 10}, "application/x-www-form-urlencoded")
    assert {name: value for name, (value, _) in parts.items()} == {"a": "1", "b": "ä b"}


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("a.png", "a.png"),
        ("/etc/passwd", "passwd"),
        ("C:\\photos\\a.png", "a.png"),
        ("a\x00\nb", "ab"),
        ("..", ".."),
    ],
)
def test_a_file_name_is_only_a_name(given_name: str, kept: str) -> None:
    assert plain_name(given_name) == kept
