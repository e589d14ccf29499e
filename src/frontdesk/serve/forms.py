"""Multipart and URL-encoded forms, read as they arrive: only known parts, each with a limit.

A part that nobody expects is refused when its header is read, before its content is.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PureWindowsPath
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from frontdesk.errors import Fault
from frontdesk.serve.csrf import FIELD as CSRF_FIELD
from frontdesk.serve.problems import Problem
from frontdesk.serve.threads import in_thread

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # exists for the type checker only

_SPOOL_BYTES = 2**20
_PARTS_LIMIT = 1000
_CSRF_BYTES = 200
_NAME_LIMIT = 200
TEXT_LIMIT_BYTES = 2**20
_URLENCODED_LIMIT_BYTES = 8 * 2**20


@dataclass(slots=True)
class Part:
    """One part of a form. `content` holds what was sent, in memory while small and on disk beyond that."""

    name: str
    filename: str | None
    media_type: str
    limit_bytes: int
    content: IO[bytes] = field(repr=False)
    size_bytes: int = 0

    def value(self) -> str | bytes:
        """Text for a plain field, bytes for a file."""
        self.content.seek(0)
        content = self.content.read()
        if self.filename is not None:
            return content
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise Problem(
                422, "A text field is not UTF-8.", errors=(Fault(f"/{self.name}", "Not UTF-8."),)
            ) from None


Limits = Mapping[str, int] | int
"""Which names may come and how many bytes each may have; a number alone allows any name."""


@contextlib.asynccontextmanager
async def read_form(request: Request, limits: Limits) -> AsyncIterator[dict[str, Part]]:
    """The parts of a form by name, until the block ends.

    The field that tells our own pages from others was looked at before (csrf.py) and is not among them.
    A name may come once. Only behind a `false` it may come again: a form has that, hidden, before a box to tick.
    """
    with contextlib.ExitStack() as open_files:
        parts = await _read(request, _NewPart(limits, open_files))
        parts.pop(CSRF_FIELD, None)
        yield parts


async def _read(request: Request, new_part: _NewPart) -> dict[str, Part]:
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type == b"application/x-www-form-urlencoded":
        return await _read_urlencoded(request, new_part)
    if media_type != b"multipart/form-data":
        raise Problem(
            415, "This address takes multipart/form-data.", headers={"Accept-Post": "multipart/form-data"}
        )
    if not options.get(b"boundary"):
        raise Problem(400, "The multipart body has no boundary.")
    collector = _Collector(new_part)
    try:
        parser = MultipartParser(options[b"boundary"], collector.callbacks())
        async for chunk in request.stream():
            # Parts past the spool's size are written to disk, which the event loop must not wait for.
            if collector.received_bytes > _SPOOL_BYTES:
                await in_thread(parser.write, chunk)
            else:
                parser.write(chunk)
        parser.finalize()
    except FormParserError:
        raise Problem(400, "The multipart body is broken.") from None
    if not collector.is_complete:
        raise Problem(400, "The multipart body ends too early.")
    return collector.parts


async def _read_urlencoded(request: Request, new_part: _NewPart) -> dict[str, Part]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _URLENCODED_LIMIT_BYTES:
            raise Problem(413, f"The form is larger than {_URLENCODED_LIMIT_BYTES} bytes.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_PARTS_LIMIT
        )
    except ValueError:
        raise Problem(400, "The form is broken.") from None
    parts: dict[str, Part] = {}
    for name, text in pairs:
        part = new_part(name, None, "text/plain")
        _append(part, text.encode())
        _keep(parts, part)
    return parts


class _NewPart:
    """Makes parts, within limits; their files are closed with `open_files`."""

    def __init__(self, limits: Limits, open_files: contextlib.ExitStack) -> None:
        self._limits, self._open_files = limits, open_files

    def __call__(self, name: str, filename: str | None, media_type: str) -> Part:
        limits = {name: self._limits} if isinstance(self._limits, int) else self._limits
        if name == CSRF_FIELD:
            limits = {name: _CSRF_BYTES}
        if name not in limits:
            fault = Fault(f"/{name}", "Unknown.")
            raise Problem(
                422,
                f"The form has a field nobody asked for. Known: {', '.join(limits) or 'none'}.",
                errors=(fault,),
            )
        content = self._open_files.enter_context(tempfile.SpooledTemporaryFile(_SPOOL_BYTES))  # noqa: SIM115
        return Part(name, filename, media_type, limits[name], cast(IO[bytes], content))


def _keep(parts: dict[str, Part], part: Part) -> None:
    before = parts.get(part.name)
    if before is not None and (before.size_bytes != len("false") or before.value() != "false"):
        fault = Fault(f"/{part.name}", "This was sent more than once.")
        raise Problem(422, f"The field {part.name} was sent more than once.", errors=(fault,))
    parts[part.name] = part


def _append(part: Part, content: bytes) -> None:
    part.size_bytes += len(content)
    if part.size_bytes > part.limit_bytes:
        fault = Fault(f"/{part.name}", f"This is larger than {part.limit_bytes} bytes.")
        raise Problem(
            413, f"The field {part.name} is too large.", errors=(fault,), headers={"Connection": "close"}
        )
    part.content.write(content)


class _Collector:
    """What the parser tells, put together to parts."""

    def __init__(self, new_part: _NewPart) -> None:
        self.parts: dict[str, Part] = {}
        self.is_complete = False
        self.received_bytes = 0
        self._new_part = new_part
        self._count = 0
        self._part: Part | None = None
        self._headers: dict[bytes, bytes] = {}
        self._header_name = self._header_value = b""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_name,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._add_content,
            "on_end": self._complete,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > _PARTS_LIMIT:
            raise Problem(
                413, f"The form has more than {_PARTS_LIMIT} fields.", headers={"Connection": "close"}
            )
        self._part, self._headers = None, {}

    def _add_to_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name")
        if name is None:
            raise Problem(400, "A part of the multipart body has no name.")
        filename = options.get(b"filename")
        media_type, _ = parse_options_header(self._headers.get(b"content-type"))
        part = self._new_part(
            name.decode(errors="replace"),
            None if filename is None else plain_name(filename.decode(errors="replace")),
            media_type.decode("latin-1") or "application/octet-stream",
        )
        _keep(self.parts, part)
        self._part = part

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        assert self._part is not None
        self.received_bytes += end - start
        _append(self._part, data[start:end])

    def _complete(self) -> None:
        self.is_complete = True


def plain_name(filename: str) -> str:
    """A file's name without folders and without what cannot be shown."""
    name = PurePath(PureWindowsPath(filename).name).name
    return "".join(character for character in name if character.isprintable())[-_NAME_LIMIT:]
