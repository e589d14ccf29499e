"""POST /api/files, GET and DELETE /api/files/{id}."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from frontdesk.errors import Fault, InvalidInput, NotFound
from frontdesk.serve.api.documents import file_document
from frontdesk.serve.api.reading import json_response
from frontdesk.serve.forms import read_form
from frontdesk.serve.own_files import keep_file
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of, owner_of
from frontdesk.store.files import StoredFile

_CHUNK_BYTES = 256 * 1024
_SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "text/plain"})
"""What a browser can show without running anything in it. All else is offered for download."""
_PLAIN_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}").fullmatch


async def upload_file(request: Request) -> Response:
    """POST /api/files: multipart with the part `file`."""
    services = services_of(request)
    async with read_form(request, {"file": services.limits.upload_bytes}) as parts:
        part = parts.get("file")
        if part is None or part.filename is None:
            raise InvalidInput.of([Fault("/file", "The form has no file of this name.")])
        part.content.seek(0)
        media_type = part.media_type if _PLAIN_MEDIA_TYPE(part.media_type) else "application/octet-stream"
        stored = await in_thread(
            keep_file,
            services,
            caller_of(request),
            part.filename,
            media_type,
            part.size_bytes,
            _chunks(part.content),
        )
    return json_response(file_document(stored), 201, {"Location": f"/api/files/{stored.id}"})


async def download_file(request: Request) -> Response:
    """GET /api/files/{id}"""
    return await stored_file_response(services_of(request), request.path_params["id"], owner_of(request))


async def remove_file(request: Request) -> Response:
    """DELETE /api/files/{id}"""
    services = services_of(request)
    stored = await in_thread(own_file, services, request.path_params["id"], owner_of(request))
    await in_thread(services.files.remove, stored.id)
    await record(request, "file.removed", stored.name)
    return Response(status_code=204)


async def stored_file_response(services: Services, file_id: str, owner: str) -> Response:
    """A stored file: streamed, or a short-lived address of it in the storage where that is set and there is one.

    It is verified on the way. A small one that is damaged is a problem; in a larger one the connection breaks before
    its end, so nobody takes it for whole. Parts of files are not served, for they could not be verified.
    """
    stored = await in_thread(own_file, services, file_id, owner)
    is_shown = stored.media_type in _SHOWN_INLINE
    if services.limits.links_s and not is_shown:  # what a page shows must come from the page's own server
        link = await in_thread(services.files.link, stored.id, services.limits.links_s)
        if link is not None:
            return RedirectResponse(link, 307, {"Cache-Control": "no-store"})
    content = await in_thread(services.files.open, stored.id)
    first = await in_thread(content.read, _CHUNK_BYTES)
    disposition = "inline" if is_shown else "attachment"
    headers = {
        "Content-Length": str(stored.size_bytes),
        "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(stored.name)}",
        "ETag": f'"{stored.sha256}"',
        "Cache-Control": "private, no-cache",
    }
    pieces = itertools.chain((first,), _chunks(content))
    return StreamingResponse(pieces, headers=headers, media_type=stored.media_type)


def own_file(services: Services, file_id: str, owner: str) -> StoredFile:
    """The file, if it is this owner's. Somebody else's is as if it did not exist."""
    stored = services.files.get(file_id)
    if stored.owner != owner:
        raise NotFound("There is no such file.")
    return stored


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        while chunk := content.read(_CHUNK_BYTES):
            yield chunk
