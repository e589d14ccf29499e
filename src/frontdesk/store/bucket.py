"""Bytes in a bucket of S3, or of anything that speaks it: parts go up and pieces come down, so memory stays bounded.

    put   up to one part in one request, more as an upload in parts: nothing is visible before the last is there
    open  one request, read as it comes
    local through the cache of this machine

What is on its way is signed or encrypted; what lies there is verified by our own checksum when it is read.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote

import httpx

from frontdesk.errors import NotFound, StoreUnavailable
from frontdesk.store.blobs import Label
from frontdesk.store.cache import Cache
from frontdesk.store.s3_requests import Begun, S3Requests
from frontdesk.store.verified import CHUNK_BYTES, Kept, Measure, VerifiedReader

if TYPE_CHECKING:
    from obstore.store import S3Store

log = logging.getLogger(__name__)

_PART_BYTES = 8 * 2**20  # 10,000 parts are allowed, so files may have 80 GB
_PARTS_AT_ONCE = 2
_PAGE = 1000


class BucketBlobs:
    """Bytes under keys that begin with `root`. `requests` is None where there are no keys to sign them with."""

    def __init__(self, store: S3Store, requests: S3Requests | None, root: str, cache: Cache) -> None:
        self._store, self._requests, self._root, self._cache = store, requests, root, cache

    def put(self, key: str, chunks: Iterable[bytes], label: Label) -> Kept:
        """Keep these; the storage has them when this returns."""
        import obstore

        measure = Measure()
        rest = iter(measure.through(chunks))
        first = _first_part(rest)
        attributes: Any = {"Content-Disposition": attachment(label.name), "Content-Type": label.media_type}
        path = f"{self._root}{key}"
        with _translated():
            if len(first) < _PART_BYTES:
                obstore.put(self._store, path, first, attributes=attributes, use_multipart=False)
                return measure.kept()
            try:
                obstore.put(
                    self._store, path, itertools.chain((first,), rest), attributes=attributes,
                    use_multipart=True, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE,
                )  # fmt: skip
            except BaseException:
                self._abort(path)
                raise
        return measure.kept()

    def open(self, key: str, expected: Kept, name: str) -> IO[bytes]:
        """Read it from front to back, verified."""
        import obstore

        with _translated():
            found = obstore.get(self._store, f"{self._root}{key}")
        # Not wrapped in a buffer, which would have each piece copied once more.
        return cast("IO[bytes]", VerifiedReader(_pieces(found.stream(CHUNK_BYTES)), expected, name))

    def local(self, key: str, expected: Kept, name: str) -> AbstractContextManager[Path]:
        """A copy on this machine, fetched and verified unless it is there already."""

        def fetch(path: Path) -> None:
            with self.open(key, expected, name) as content, path.open("wb") as out:
                shutil.copyfileobj(content, out, CHUNK_BYTES)

        return self._cache.hold(f"{self._root}{key}".replace("/", "-"), fetch)

    def remove(self, keys: Iterable[str]) -> None:
        """Forget them."""
        import obstore

        for some in _batched((f"{self._root}{key}" for key in keys), _PAGE):
            with _translated(), contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, some)

    def old(self, prefix: str, older_than_s: float) -> Iterator[list[str]]:
        """The keys that begin so, a page at a time: one request for a thousand."""
        import obstore

        moment = datetime.now(UTC) - timedelta(seconds=older_than_s)
        with _translated():
            for page in obstore.list(self._store, f"{self._root}{prefix}" or None, chunk_size=_PAGE):
                yield [
                    found["path"].removeprefix(self._root)
                    for found in page
                    if found["last_modified"] < moment
                ]

    def remove_drafts(self, older_than_s: float) -> None:
        """End uploads in parts that nobody finished."""
        moment = time.time() - older_than_s
        for begun in self._begun(self._root):
            if begun.begun_at.timestamp() < moment:
                self._forget(begun)

    def link(self, key: str, lifetime_s: float) -> str | None:
        """An address that is good for so long. Made here, without a request."""
        import obstore

        with _translated():
            return obstore.sign(self._store, "GET", f"{self._root}{key}", timedelta(seconds=lifetime_s))

    def _abort(self, path: str) -> None:
        """Leave nothing of an upload that failed. What cannot be removed now, `remove_drafts` finds."""
        with contextlib.suppress(StoreUnavailable):
            for begun in self._begun(path):
                if begun.key == path:
                    self._forget(begun)

    def _begun(self, prefix: str) -> Iterator[Begun]:
        if self._requests is not None:
            with _translated():
                for page in self._requests.begun(prefix):
                    yield from page

    def _forget(self, begun: Begun) -> None:
        if self._requests is not None:
            with _translated():
                self._requests.abort(begun)


def attachment(name: str) -> str:
    """The header that has a browser keep what it gets under this name, RFC 6266."""
    return f"attachment; filename*=UTF-8''{quote(name)}"


def _first_part(chunks: Iterator[bytes]) -> bytes:
    """As many pieces as make a part, or all there are."""
    first = bytearray()
    for chunk in chunks:
        first += chunk
        if len(first) >= _PART_BYTES:
            break
    return bytes(first)


def _pieces(stream: Iterable[Any]) -> Iterator[Any]:
    with _translated():
        yield from stream


def _batched(values: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(values)
    while some := list(itertools.islice(rest, size)):
        yield some


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """What the storage says, as errors of ours. Its own words go to the log, not to visitors."""
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" not in str(error):
            raise NotFound("There is no such file.") from None
        log.error("object storage: %s", str(error).partition("\n")[0])
        raise StoreUnavailable("The bucket that files are kept in is not there. Try again later.") from None
    except (BaseError, httpx.HTTPError) as error:
        log.error("object storage: %s", str(error).partition("\n")[0])
        raise StoreUnavailable(
            "The storage that files are kept in does not answer as it should. Try again later."
        ) from None
