"""What `frontdesk doctor` looks at: one function for each thing that could be wrong."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib.metadata
import json
import os
import shutil
import smtplib
import socket
import ssl
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

import frontdesk
from frontdesk.catalog.import_faults import install_command
from frontdesk.cli.database_findings import database, database_server, sqlite
from frontdesk.cli.finding import Finding
from frontdesk.cli.storage_check import bucket
from frontdesk.errors import SettingsError
from frontdesk.host.runtime import runtime_folder
from frontdesk.run.cluster.address import check_address
from frontdesk.run.cluster.look import look
from frontdesk.settings import Settings

_LEAST_FREE_BYTES = 2**30
_PATIENCE_S = 5.0
_OLDEST_PYTHON = (3, 11)
_SHARED_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "fuse.sshfs")
_CHILD_MODULES = ("frontdesk.cli.child", "frontdesk.host.process")
_BUILT = ("app.js", "app.css", "docs")
_LONGEST_SOCKET_NAME = len("/hosts-1234567/0123456789abcdef.sock")
_SOCKET_PATH_LIMIT = 103


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield python()
    yield packages()
    yield sqlite()
    yield data_folder(settings.data)
    yield free_space(settings.data)
    yield (
        database_server(settings.database) if settings.database else database(settings.data / "frontdesk.db")
    )
    yield sockets(settings.data)
    yield server(settings)
    yield left_processes()
    yield pages()
    yield models_folder(settings.models)
    if settings.storage:
        yield bucket(settings)
    if settings.smtp_host:
        yield mail(settings)
    if settings.inbox:
        yield inbox(Path(settings.inbox))
    if settings.engine == "ray":
        yield cluster(settings.ray)


def python() -> Finding:
    told = f"{sys.version.split()[0]} in {sys.prefix}"
    return Finding("Python", sys.version_info >= _OLDEST_PYTHON, told, "Install Python 3.11 or newer.")


def packages() -> Finding:
    """Nothing here must be installed, but it is good to know what is missing before a model says so."""
    told = []
    for package, extra in (("onnxruntime", "frontdesk[onnx]"), ("scikit-learn", "frontdesk[examples]")):
        try:
            told.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            told.append(f"no {package} (to have it: {install_command(extra)})")
    return Finding("Optional packages", True, ", ".join(told))


def data_folder(data: Path) -> Finding:
    what, place = "Data folder", _nearest(data)
    told = str(data.absolute()) if data.exists() else f"{data.absolute()}, not made yet"
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        mend = f"Make {place} writable for this user, or choose another folder with --data."
        return Finding(what, False, f"{told}: {error.strerror}", mend)
    if _file_system(place).startswith(_SHARED_FILE_SYSTEMS):
        mend = "Choose a folder on a disk of this machine: SQLite's write-ahead log needs shared memory."
        return Finding(what, False, f"{told} is on a network file system", mend)
    return Finding(what, True, told)


def free_space(data: Path) -> Finding:
    free = shutil.disk_usage(_nearest(data)).free
    is_well = free > _LEAST_FREE_BYTES
    return Finding("Free space", is_well, f"{free / 2**30:.1f} GiB", "Free at least 1 GiB on that disk.")


def sockets(data: Path) -> Finding:
    what = "Socket folder"
    try:
        folder = runtime_folder(data)
    except (SettingsError, OSError) as error:
        return Finding(what, False, str(error), "Set XDG_RUNTIME_DIR to a folder of yours.")
    is_short = len(str(folder)) + _LONGEST_SOCKET_NAME <= _SOCKET_PATH_LIMIT
    mend = "Set XDG_RUNTIME_DIR or TMPDIR to a folder with a shorter path: those of sockets are limited."
    return Finding(what, is_short, str(folder), mend)


def server(settings: Settings) -> Finding:
    if _is_locked(settings.data / "serve.lock"):
        return _running(settings.data / "server.json")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = "in use" if error.errno == errno.EADDRINUSE else str(error.strerror)
            mend = "Choose another with --port, or end the program that has it."
            return Finding("Port", False, f"{settings.port} on {settings.host} is {reason}", mend)
    return Finding("Port", True, f"{settings.port} on {settings.host} is free")


def left_processes() -> Finding:
    """Children of a server end with it. One that does not, hangs in code that even its own end cannot interrupt."""
    what, orphans = "Left processes", list(_orphans())
    if not orphans:
        return Finding(what, True, "none")
    pids = " ".join(str(pid) for pid in orphans)
    return Finding(what, False, f"without a server: {pids}", f"End them: kill -9 {pids}")


def pages() -> Finding:
    static = Path(frontdesk.__file__).parent / "serve" / "static"
    missing = [name for name in _BUILT if not (static / name).exists()]
    told = f"not built ({', '.join(missing)} missing)" if missing else "built"
    return Finding("Pages", not missing, told, "In the checkout, run: make setup")


def models_folder(models: Path) -> Finding:
    what = "Models folder"
    if not models.is_dir():
        return Finding(what, True, f"{models.absolute()} is not there; `frontdesk pull` makes it when needed")
    number = sum(1 for path in models.rglob("*") if path.is_file())
    if not os.access(models, os.R_OK | os.X_OK):
        return Finding(what, False, f"{models.absolute()} cannot be read", "Make it readable for this user.")
    return Finding(what, True, f"{models.absolute()}, {number} files")


def mail(settings: Settings) -> Finding:
    """Whether somebody answers there like a mail server; nothing is handed in."""
    what, told = "Mail server", f"{settings.smtp_host}:{settings.smtp_port}"
    mend = "Check FRONTDESK_SMTP_HOST, _PORT and _SECURITY (starttls, tls or none), and FRONTDESK_MAIL_FROM."
    kind = smtplib.SMTP_SSL if settings.smtp_security == "tls" else smtplib.SMTP
    try:
        with kind(settings.smtp_host, settings.smtp_port, timeout=_PATIENCE_S) as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
    except (OSError, smtplib.SMTPException) as error:
        return Finding(what, False, f"{told}: {error}", mend)
    return Finding(what, "@" in settings.mail_from, f"{told}, messages come from {settings.mail_from}", mend)


def inbox(folder: Path) -> Finding:
    what, told = "Inboxes", str(folder.absolute())
    if not os.access(_nearest(folder), os.W_OK | os.X_OK):
        return Finding(what, False, f"{told} cannot be written", "Make it writable for this user.")
    return Finding(what, True, told)


def cluster(address: str) -> Finding:
    """Whether a worker of this machine could have its jobs done there."""
    what = "Ray cluster"
    try:
        check_address(address)
    except SettingsError as error:
        return Finding(what, False, str(error), "Set FRONTDESK_RAY to the address of the head.")
    sight = look(address)
    if sight.reason:
        mend = (
            f"On the head: ray start --head --port={address.rpartition(':')[2]}. On every machine with a worker of "
            f"frontdesk, too: ray start --address={address}. Until then jobs wait."
        )
        return Finding(what, False, f"{address}: {sight.reason}", mend)
    return Finding(
        what, True, f"{address}: {sight.nodes} nodes with {sight.cpus:g} CPU and {sight.gpus:g} GPU"
    )


# ---------------------------------------------------------------------------------------


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def _file_system(folder: Path) -> str:
    """The kind of file system that holds the folder."""
    places = [p for p in psutil.disk_partitions(all=True) if folder.is_relative_to(p.mountpoint)]
    return max(places, key=lambda p: len(p.mountpoint)).fstype if places else ""


def _is_locked(path: Path) -> bool:
    """Whether a server holds the lock of the data folder."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _running(note: Path) -> Finding:
    what = "Server"
    try:
        url = json.loads(note.read_text())["url"]
    except (OSError, ValueError, KeyError):
        return Finding(what, True, "one is starting or stopping")
    try:
        ready = httpx.get(f"{url}/readyz", timeout=5)
    except httpx.HTTPError as error:
        mend = "Look into its log; if it stays so, end it with Ctrl-C and start it again."
        return Finding(what, False, f"{url} does not answer ({error})", mend)
    told = f"{url} answers{'' if ready.is_success else ', and is not ready yet'}"
    return Finding(what, True, told)


def _orphans() -> Iterator[int]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.uids().real != os.getuid() or not set(_CHILD_MODULES) & set(process.cmdline()):
                continue
            parent = process.parent()
            if parent is None or not _has_ours(parent):
                yield process.pid


def _has_ours(process: psutil.Process) -> bool:
    """Whether it is of frontdesk, or of Ray, whose actors are called `ray::` and what they do."""
    return any("frontdesk" in word or word.startswith("ray::") for word in process.cmdline())
