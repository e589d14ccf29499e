"""What a description was made of: the files that were read for it, each with a stamp that changes when it does."""

from __future__ import annotations

import hashlib
import os
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import frontdesk

_READ_WHOLE_BYTES = 2**20
_CLOCK_NS = 20_000_000  # the clock that stamps files may be this far behind
_IMPORTS = "<frozen importlib._bootstrap_external>"
_PACKAGE = Path(frontdesk.__file__).parent


def stamp_of(path: Path) -> str:
    """Of a file its content, or its size and time when it is large; of a folder its names; empty when there is none."""
    try:
        facts = path.stat()
        if path.is_dir():
            content = "\n".join(sorted(entry.name for entry in path.iterdir())).encode()
        elif facts.st_size > _READ_WHOLE_BYTES:
            return f"{facts.st_size}:{facts.st_mtime_ns}"
        else:
            content = path.read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(content).hexdigest()


def still_so(stamps: Mapping[str, str]) -> bool:
    """Whether nothing has changed since these stamps were taken."""
    return all(stamp_of(Path(path)) == stamp for path, stamp in stamps.items())


def identity() -> str:
    """What reads declarations: this Python and this code of ours. Another one may read them differently."""
    files = [*(_PACKAGE / "declare").glob("*.py"), *(_PACKAGE / "catalog").glob("*.py")]
    facts = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(files)]
    return hashlib.sha256(repr((sys.version, sys.prefix, facts)).encode()).hexdigest()


def fingerprint(files: list[Path], root: Path) -> str:
    """One number for the content of all these files and their names below `root`."""
    total = hashlib.sha256()
    for file in sorted(files):
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        total.update(f"{file.relative_to(root)} {digest}\n".encode())
    return total.hexdigest()


class Recorder:
    """Notes which files and folders Python code reads, from when it is made until it is asked.

    What belongs to Python, its packages or the system is left out: it does not change while one writes a model.
    """

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._is_open = True
        self._began_ns = time.time_ns() - _CLOCK_NS
        self._modules = set(sys.modules)
        own = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
        if sys.prefix != sys.base_prefix:
            own.append(sys.prefix)
        folders = [*own, str(_PACKAGE), "/proc", "/sys", "/dev", "/etc", "/usr/lib", "/usr/share"]
        self._not_noted = tuple(f"{folder}/" for folder in folders)
        sys.addaudithook(self._hear)

    def stamps(self) -> dict[str, str]:
        """Every path that was read, with its stamp."""
        self._is_open = False
        paths = {Path(path) for path in self._paths} | set(self.modules())
        return {str(path): self._stamp(path) for path in sorted(paths) if path.exists()}

    def modules(self) -> list[Path]:
        """The files of the modules that were imported, compiled before or not."""
        files = [getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - self._modules]
        return [Path(file) for file in files if file and self._is_noted(file)]

    def _stamp(self, path: Path) -> str:
        """What was saved while it was read may have been read before that, so its stamp fits nothing."""
        return "changed" if path.stat().st_mtime_ns > self._began_ns else stamp_of(path)

    def _hear(self, event: str, details: tuple[Any, ...]) -> None:
        if not self._is_open or event not in ("open", "os.listdir", "os.scandir") or not details:
            return
        path = details[0]
        if event == "open" and _writes(details):
            return
        # Imports look through every folder on the path; that is not reading it.
        if event == "os.listdir" and sys._getframe(1).f_code.co_filename == _IMPORTS:
            return
        if isinstance(path, str | os.PathLike) or path is None:
            absolute = str(Path(path or ".").absolute())
            if not absolute.endswith(".pyc") and self._is_noted(absolute):
                self._paths.add(absolute)

    def _is_noted(self, path: str) -> bool:
        return not f"{path}/".startswith(self._not_noted) and "site-packages" not in path


def _writes(details: tuple[Any, ...]) -> bool:
    _, mode, flags = details
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & os.O_ACCMODE if isinstance(flags, int) else False)
