"""Versions: complete or not there, numbered without gaps or doubles, one of them live."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.catalog.artifacts import FolderArtifacts
from frontdesk.catalog.version import Origin, implicit_version
from frontdesk.catalog.versions import Versions
from frontdesk.errors import Conflict, LeaseLost, NotFound
from frontdesk.store.database import Database
from support.databases import DATABASES


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(DATABASES.of(tmp_path))
    database.migrate()
    yield database
    database.close()
    DATABASES.give_back(tmp_path)


@pytest.fixture
def versions(database: Database, tmp_path: Path) -> Versions:
    return Versions(database, FolderArtifacts(tmp_path / "versions"))


def staged(folder: Path, weights: str = "weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "weights.txt").write_text(weights)
    return folder


def test_what_was_staged_becomes_the_live_version(versions: Versions, tmp_path: Path) -> None:
    assert versions.live("flowers", "mlp") is None
    source = staged(tmp_path / "staged")
    added = versions.add("flowers", "mlp", source, {"accuracy": 0.97}, {"hidden": 10})
    assert (added.number, added.is_live) == (1, True)
    assert (dict(added.metrics), dict(added.parameters)) == ({"accuracy": 0.97}, {"hidden": 10})
    assert (added.folder / "weights.txt").read_text() == "weights"
    assert not source.exists()
    assert versions.live("flowers", "mlp") == versions.get("flowers", "mlp", 1) == added


def test_versions_are_numbered_for_each_model(versions: Versions, tmp_path: Path) -> None:
    for number, (task, model) in enumerate([("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")]):
        versions.add(task, model, staged(tmp_path / str(number)), {}, {})
    assert [version.number for version in versions.list("a", "x")] == [2, 1]
    assert [version.number for version in versions.list("a", "y")] == [1]
    assert versions.get("b", "x", 2) is None


def test_one_version_is_live(versions: Versions, tmp_path: Path) -> None:
    for number in range(3):
        versions.add("a", "x", staged(tmp_path / str(number)), {}, {}, live=number != 2)
    versions.add("a", "y", staged(tmp_path / "other"), {}, {})
    assert [version.is_live for version in versions.list("a", "x")] == [False, True, False]
    assert versions.make_live("a", "x", 1).is_live
    assert [version.is_live for version in versions.list("a", "x")] == [False, False, True]
    live = versions.live("a", "y")
    assert live is not None
    assert live.number == 1
    with pytest.raises(NotFound, match="no version 9"):
        versions.make_live("a", "x", 9)


def test_adding_at_once_gives_every_version_its_own_number(
    versions: Versions, database: Database, tmp_path: Path
) -> None:
    other = Database.open(DATABASES.of(tmp_path))  # as another process would
    both = [versions, Versions(other, FolderArtifacts(tmp_path / "versions"))]

    def add(turn: int) -> None:
        both[turn % 2].add("a", "x", staged(tmp_path / str(turn), str(turn)), {"turn": turn}, {})

    threads = [threading.Thread(target=add, args=(turn,)) for turn in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    found = versions.list("a", "x")
    assert [version.number for version in found] == list(range(12, 0, -1))
    assert sum(version.is_live for version in found) == 1
    for version in found:
        assert (version.folder / "weights.txt").read_text() == str(int(version.metrics["turn"]))


def test_what_a_crash_left_behind_goes_when_it_is_old(
    versions: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = versions.add("a", "x", staged(tmp_path / "one"), {}, {})
    left = staged(kept.folder.parent / "of-no-row")
    versions.add("a", "x", staged(tmp_path / "two"), {}, {})
    assert left.exists()  # another process may be about to add its row
    now = time.time() + 90_000
    monkeypatch.setattr("frontdesk.catalog.artifacts.time.time", lambda: now)
    versions.add("a", "x", staged(tmp_path / "three"), {}, {})
    assert not left.exists()
    assert all((version.folder / "weights.txt").exists() for version in versions.list("a", "x"))


def test_nothing_is_added_when_the_row_cannot_be(versions: Versions, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"JSON|Encoding"):
        versions.add("a", "x", staged(tmp_path / "one"), {"loss": object()}, {})  # type: ignore[dict-item]
    assert versions.list("a", "x") == []
    assert versions.add("a", "x", staged(tmp_path / "two"), {}, {}).number == 1


def test_a_model_that_is_not_trained_has_one_version() -> None:
    version = implicit_version("clock", "clock")
    assert (version.number, version.is_live, version.folder.exists()) == (1, True, False)


def test_one_training_makes_one_version_however_often_it_is_tried(versions: Versions, tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        source = staged(tmp_path / "staged")
        made.append(versions.add("flowers", "mlp", source, {}, {}, job="job-1", once="job-1"))
    assert made[0] == made[1] == versions.made_once("job-1") == versions.of_job("job-1")
    assert len(versions.list("flowers", "mlp")) == 1


def test_a_number_is_never_given_twice(versions: Versions, tmp_path: Path) -> None:
    for number in (1, 2):
        source = staged(tmp_path / "staged")
        assert versions.add("flowers", "mlp", source, {}, {}, live=False).number == number
    with pytest.raises(Conflict):
        versions.remove("flowers", "mlp", 1)
    folder = versions.get("flowers", "mlp", 2)
    assert folder is not None
    versions.remove("flowers", "mlp", 2)
    assert not folder.folder.exists()
    with pytest.raises(NotFound):
        versions.remove("flowers", "mlp", 2)
    source = staged(tmp_path / "staged")
    assert versions.add("flowers", "mlp", source, {}, {}, live=False).number == 3


def test_what_was_cancelled_never_goes_live_by_itself(versions: Versions, tmp_path: Path) -> None:
    origin, source = Origin(was_cancelled=True), staged(tmp_path / "staged")
    assert not versions.add("flowers", "mlp", source, {}, {}, live=False, origin=origin).is_live
    assert versions.live("flowers", "mlp") is None


def test_files_of_a_version_that_was_made_stay_although_the_lease_is_lost_when_it_is_tried_again(
    versions: Versions, tmp_path: Path
) -> None:
    def lost(connection: object) -> None:
        raise LeaseLost("job")

    placed = versions.place("a", "x", staged(tmp_path / "staged"))
    # It was committed, and the line broke before that was heard.
    made = versions.add("a", "x", placed, {}, {}, live=False, once="job")
    with pytest.raises(LeaseLost):
        versions.add("a", "x", placed, {}, {}, live=False, once="job", fence=lost)
    with versions.hold(made) as folder:
        assert (folder / "weights.txt").read_text() == "weights"
    never = versions.place("a", "x", staged(tmp_path / "another"))
    with pytest.raises(LeaseLost):
        versions.add("a", "x", never, {}, {}, once="another", fence=lost)
    assert not (tmp_path / "versions" / "a" / "x" / never.id).exists()
