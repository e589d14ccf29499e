"""Where sockets live."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from frontdesk.errors import SettingsError
from frontdesk.host.runtime import runtime_folder


@pytest.fixture(autouse=True)
def _runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_it_is_private_and_the_same_each_time(tmp_path: Path) -> None:
    folder = runtime_folder(tmp_path / "data")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder == runtime_folder(tmp_path / "elsewhere" / ".." / "data")
    assert folder != runtime_folder(tmp_path / "other")


def test_it_is_made_private_again(tmp_path: Path) -> None:
    folder = runtime_folder(tmp_path / "data")
    folder.chmod(0o755)
    assert stat.S_IMODE(runtime_folder(tmp_path / "data").stat().st_mode) == 0o700


def test_it_trusts_no_link(tmp_path: Path) -> None:
    folder = runtime_folder(tmp_path / "data")
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(SettingsError, match="belongs to somebody else"):
        runtime_folder(tmp_path / "data")


def test_it_falls_back_to_the_temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    folder = runtime_folder(tmp_path / "data")
    folder.rmdir()
    assert folder.parent == Path(tempfile.gettempdir())
