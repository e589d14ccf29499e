"""What an example needs from elsewhere: listed in its `pull.toml`, fetched into the models folder, checked.

[[file]]
path = "models/squeezenet.onnx"
url = "https://..."
sha256 = "21f25e..."
size = 2484091
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

import httpx
import msgspec

from frontdesk.errors import FrontdeskError

_TIMEOUT = httpx.Timeout(30, connect=10)
_PIECE = 2**16


class Download(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file: where it goes below the models folder, and what it must be."""

    path: str
    url: Annotated[str, msgspec.Meta(pattern="^https?://")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=0)]

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or not path.name or re.search(r"[\\:\0]", self.path):
            raise ValueError(f"{self.path!r} is no path below the models folder")


class _PullList(msgspec.Struct, forbid_unknown_fields=True):
    file: list[Download]


class _Unreachable(FrontdeskError):
    """No connection: the other files of that place need not be tried."""


def read_pull_list(source: Path) -> list[Download]:
    """What the `pull.toml` of an example's folder lists."""
    file = source / "pull.toml"
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), _PullList).file
    except FileNotFoundError:
        raise FrontdeskError(f"There is no {file}, so there is nothing to pull.") from None
    except (OSError, ValueError) as error:
        raise FrontdeskError(f"{file} cannot be used: {error}.") from error


def pull(downloads: Sequence[Download], folder: Path, tell: Callable[[str], None]) -> None:
    """Fetch what the folder lacks. What can be had is fetched before the error that names what cannot."""
    missing = [download for download in downloads if not is_right(folder / download.path, download)]
    if kept := len(downloads) - len(missing):
        tell(f"{kept} of {len(downloads)} files are there already.")
    troubles: dict[str, str] = {}
    unreachable: set[str] = set()
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as http:
        for download in missing:
            host = httpx.URL(download.url).host
            if host in unreachable:
                troubles[download.path] = f"{host} cannot be reached"
                continue
            try:
                _fetch(http, download, folder / download.path)
                tell(f"{download.path} ({download.size:,} bytes)")
            except _Unreachable as error:
                unreachable.add(host)
                troubles[download.path] = str(error)
            except FrontdeskError as error:
                troubles[download.path] = str(error)
    if troubles:
        reasons = "\n".join(f"  {path}: {reason}" for path, reason in troubles.items())
        raise FrontdeskError(
            f"{len(troubles)} of {len(downloads)} files could not be fetched:\n{reasons}\n"
            f"Run the same command again once that is mended, or put the files into {folder.absolute()} yourself."
        )


def is_right(path: Path, download: Download) -> bool:
    """Whether the file is there and has the size and the sum it must have."""
    try:
        if path.stat().st_size != download.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == download.sha256
    except OSError:
        return False


def _fetch(http: httpx.Client, download: Download, path: Path) -> None:
    """Fetch one file beside its place, and move it there once it is what it should be."""
    # The sum in its name keeps the half of one file from being continued with the half of another.
    part = path.with_name(f".{path.name}.{download.sha256[:12]}.part")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        _continue(http, download, part)
        if not is_right(part, download):
            if part.stat().st_size >= download.size:
                part.unlink()
                raise FrontdeskError(f"{download.url} is not the file it was (its SHA-256 differs)")
            raise FrontdeskError("the connection ended early; the next attempt continues there")
        part.replace(path)
    except httpx.TransportError as error:
        host = httpx.URL(download.url).host
        reason = f"{host} cannot be reached ({str(error) or type(error).__name__})"
        kind = (
            _Unreachable if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else FrontdeskError
        )
        raise kind(reason) from error
    except httpx.HTTPError as error:
        raise FrontdeskError(f"{download.url}: {error}") from error
    except OSError as error:
        raise FrontdeskError(f"{error.filename or part} cannot be written ({error.strerror})") from error


def _continue(http: httpx.Client, download: Download, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= download.size > 0:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with http.stream("GET", download.url, headers=headers) as response:
        if response.status_code not in (200, 206):
            raise FrontdeskError(f"{download.url} answered {response.status_code}")
        is_rest = response.status_code == 206 and have > 0
        left = download.size - (have if is_rest else 0)
        with part.open("ab" if is_rest else "wb") as file:
            for piece in response.iter_bytes(_PIECE):
                # One byte too many is enough to know that it is another file.
                file.write(piece[: left + 1])
                left -= len(piece)
                if left < 0:
                    break
            file.flush()
            os.fsync(file.fileno())
