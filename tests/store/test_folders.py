"""Looking through folders that somebody else is clearing."""

from __future__ import annotations

import shutil
from pathlib import Path

from frontdesk.store.folders import below


def test_all_in_it_is_found_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").touch()
    (tmp_path / "a" / "b" / "two").touch()
    (tmp_path / "again").symlink_to(tmp_path / "a")
    assert sorted(below(tmp_path)) == sorted(tmp_path.rglob("*"))


def test_a_folder_that_goes_meanwhile_is_no_mistake(tmp_path: Path) -> None:
    names = {"one", "two", "three"}
    for name in names:
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").touch()
    for path in below(tmp_path):
        for other in names - {path.relative_to(tmp_path).parts[0]}:
            if path.name == "file":
                shutil.rmtree(tmp_path / other, ignore_errors=True)
    assert len(list(tmp_path.iterdir())) == 1


def test_there_is_nothing_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert list(below(tmp_path / "nowhere")) == []
