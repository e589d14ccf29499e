"""The folder for sockets. Paths of Unix sockets are short (104 characters on some systems), data
folders need not be; so sockets live elsewhere, under a name made from the data folder's."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import stat
import tempfile
from pathlib import Path

from frontdesk.errors import SettingsError


def runtime_folder(data: Path) -> Path:
    """The private folder for the sockets of the installation in `data`, made if need be."""
    parent = Path(os.environ.get("XDG_RUNTIME_DIR") or "")
    if not parent.is_absolute() or not os.access(parent, os.W_OK):
        parent = Path(tempfile.gettempdir())
    folder = parent / f"frontdesk-{hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    # The temp folder is everybody's: somebody else may have put a folder, or a link, there first.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SettingsError(f"{folder} belongs to somebody else; remove it, or set XDG_RUNTIME_DIR.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def place_of(runtime: Path) -> str:
    """This machine's name, and what tells this installation on it from every other: drawn once, kept with its sockets.

    The name alone does not: containers have the same ones over and over. What is drawn anew after a restart of the
    machine costs no more than waiting for the leases of before.
    """
    note = runtime / "place"
    draft = runtime / f"place-{secrets.token_hex(4)}.tmp"
    if not note.exists():
        draft.write_text(secrets.token_hex(4))
        with contextlib.suppress(FileExistsError):  # another process was first
            os.link(draft, note)
        draft.unlink()
    return f"{socket.gethostname()}-{note.read_text()}"


def remove_left_behind(runtime: Path) -> None:
    """Remove the folders of hosts whose supervisor was killed."""
    for control in runtime.glob("hosts-*/control.sock"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(control))
            except ConnectionRefusedError:
                shutil.rmtree(control.parent, ignore_errors=True)
