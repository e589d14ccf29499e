"""`frontdesk doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

import frontdesk
from frontdesk.cli.options import data_option, json_option, print_json
from frontdesk.settings import Settings

_LEAST_FREE_BYTES = 2**30
_OLDEST_SQLITE = (3, 35)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` is what to do where it is not well."""

    what: str
    is_well: bool
    told: str
    mend: str = ""


@click.command("doctor")
@data_option
@json_option
def command(data: Path | None, as_json: bool) -> None:
    """Look for what would keep frontdesk from working here. Exit code 1 when something is wrong."""
    findings = list(examine(Settings.read(os.environ, data=data)))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.is_well else 'WRONG'}  {finding.what}: {finding.told}")
            if not finding.is_well:
                click.echo(f"       {finding.mend}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield Finding(
        "Python", sys.version_info >= (3, 11), sys.version.split()[0], "Install Python 3.11 or newer."
    )
    yield Finding(
        "SQLite", sqlite3.sqlite_version_info >= _OLDEST_SQLITE, sqlite3.sqlite_version,
        "Use a Python built with SQLite 3.35 or newer.",
    )  # fmt: skip
    yield _data_folder(settings.data)
    yield _free_space(settings.data)
    yield _database(settings.data / "frontdesk.db")
    yield _port(settings)
    yield _pages()
    yield _models_folder(settings.models)
    has_onnx = importlib.util.find_spec("onnxruntime") is not None
    yield Finding(
        "ONNX Runtime", True, "installed" if has_onnx else "not installed; only ONNX models need it"
    )


def _data_folder(data: Path) -> Finding:
    nearest = data
    while not nearest.exists():
        nearest = nearest.absolute().parent
    return Finding(
        "Data folder", os.access(nearest, os.W_OK | os.X_OK), str(data.absolute()),
        f"Make {nearest} writable for this user, or choose another folder with --data.",
    )  # fmt: skip


def _free_space(data: Path) -> Finding:
    nearest = data.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    free = shutil.disk_usage(nearest).free
    return Finding(
        "Free space", free > _LEAST_FREE_BYTES, f"{free / 2**30:.1f} GiB", "Free at least 1 GiB there."
    )


def _database(path: Path) -> Finding:
    if not path.exists():
        return Finding("Database", True, "not made yet")
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as connection:
            told = connection.execute("pragma quick_check").fetchone()[0]
    except sqlite3.Error as error:
        told = str(error)
    return Finding("Database", told == "ok", told, f"Stop the server and restore {path} from a backup.")


def _port(settings: Settings) -> Finding:
    if (settings.data / "server.json").exists():
        return Finding("Port", True, "a server runs, or ended without tidying up")
    try:
        with socket.create_server((settings.host, settings.port)):
            return Finding("Port", True, f"{settings.port} is free")
    except OSError as error:
        mend = "Choose another with --port, or end the program that has it."
        return Finding("Port", False, f"{settings.port}: {error.strerror}", mend)


def _pages() -> Finding:
    is_built = (Path(frontdesk.__file__).parent / "serve" / "static").is_dir()
    return Finding("Pages", is_built, "built" if is_built else "not built", "Run: make setup")


def _models_folder(models: Path) -> Finding:
    number = sum(1 for path in models.rglob("*") if path.is_file()) if models.is_dir() else 0
    return Finding("Models folder", True, f"{models.absolute()} has {number} files")
