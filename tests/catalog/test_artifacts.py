"""Versions that two machines share through a bucket: two data folders, one database, one real S3 server."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from frontdesk.catalog import artifacts as artifacts_module
from frontdesk.catalog.artifacts import FolderArtifacts, artifacts_in
from frontdesk.catalog.version import VersionRecord, placed_in
from frontdesk.catalog.versions import Versions
from frontdesk.errors import FileDamaged, NotFound, StoreUnavailable
from frontdesk.store.blobs import FolderBlobs
from frontdesk.store.cache import Cache
from frontdesk.store.database import Database
from frontdesk.store.storage import BucketPlace, Storage
from support.servers.objects import ACCESS_KEY, SECRET_KEY, ObjectServer


@dataclass(frozen=True)
class Pair:
    server: ObjectServer
    bucket: str
    database: Database
    folder: Path

    def machine(self, name: str, cache_bytes: int = 0) -> Versions:
        place = BucketPlace.read(
            f"s3://{self.bucket}", endpoint=self.server.url, region="", access_key=ACCESS_KEY,
            secret_key=SECRET_KEY, ca="", addressing="",
        )  # fmt: skip
        storage = Storage.at(self.folder / name, place, cache_bytes)
        return Versions(
            self.database, artifacts_in(self.folder / name / "versions", storage.versions, storage.cache)
        )

    def staged(self, text: str = "weights") -> Path:
        folder = self.folder / uuid.uuid4().hex
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "weights.txt").write_text(text)
        (folder / "large.bin").write_bytes(os.urandom(2**20))
        return folder

    def here(self, name: str) -> list[str]:
        folder = self.folder / name / "cache" / "storage"
        return [path.name for path in folder.glob("*") if path.is_dir()]


@pytest.fixture
def pair(object_server: ObjectServer, tmp_path: Path) -> Iterator[Pair]:
    object_server.make_bucket(bucket := f"versions-{uuid.uuid4().hex[:8]}")
    database = Database.open(tmp_path / "frontdesk.db")
    database.migrate()
    yield Pair(object_server, bucket, database, tmp_path)
    database.close()


def told(versions: Versions, version: VersionRecord) -> str:
    with versions.hold(version) as folder:
        return (folder / "deep" / "weights.txt").read_text()


def test_a_version_made_on_one_machine_is_loaded_on_another(pair: Pair) -> None:
    one, other = pair.machine("one"), pair.machine("other")
    staged = pair.staged()
    made = one.add("a", "x", staged, {}, {})
    assert not staged.exists()
    assert len(pair.here("one")) == 1, "who made it need not fetch it"
    found = other.live("a", "x")
    assert found is not None
    assert pair.here("other") == []
    assert told(other, found) == told(one, made) == "weights"
    assert len(pair.here("other")) == 1
    assert pair.server.keys(pair.bucket) == [f"versions/a/x/{made.id}.tar"]
    other.make_live("a", "x", 1)
    one.add("a", "x", pair.staged("better"), {}, {}, live=True)
    other.remove("a", "x", 1)
    assert len(pair.server.keys(pair.bucket)) == 1


def test_a_damaged_version_is_not_loaded(pair: Pair) -> None:
    one, other = pair.machine("one"), pair.machine("other")
    made = one.add("a", "x", pair.staged(), {}, {})
    store, key = pair.server.store(pair.bucket), f"versions/a/x/{made.id}.tar"
    content = bytearray(store.get(key).bytes())
    content[content.index(b"weights", 600)] ^= 1
    store.put(key, bytes(content))
    with pytest.raises(FileDamaged, match="version 1 of x of a"):
        told(other, made)
    assert pair.here("other") == []


def test_what_is_not_used_goes_and_comes_back(pair: Pair) -> None:
    one, other = pair.machine("one"), pair.machine("other", cache_bytes=int(1.5 * 2**20))
    made = [one.add("a", "x", pair.staged(str(number)), {}, {}) for number in range(3)]
    with other.hold(made[0]) as held:
        assert [told(other, version) for version in made] == ["0", "1", "2"]
        assert (held / "large.bin").exists(), "what is in use stays"
    assert len(pair.here("other")) == 2
    assert told(other, made[1]) == "1"


def test_versions_from_before_the_bucket_stay_where_they_are(pair: Pair) -> None:
    before = Versions(pair.database, FolderArtifacts(pair.folder / "one" / "versions"))
    made = before.add("a", "x", pair.staged("old"), {}, {})
    assert told(pair.machine("one"), made) == "old"
    assert pair.server.keys(pair.bucket) == []


def test_what_never_came_to_be_a_version_goes_when_it_is_old(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = pair.machine("one")
    one.place("a", "x", pair.staged())
    made = one.add("a", "x", pair.staged(), {}, {})
    assert len(pair.server.keys(pair.bucket)) == 2
    monkeypatch.setattr(artifacts_module, "_LEFT_BEHIND_S", -60.0)
    later = one.add("a", "x", pair.staged(), {}, {})
    assert pair.server.keys(pair.bucket) == sorted(f"versions/a/x/{v.id}.tar" for v in (made, later))


def test_what_was_placed_on_other_machines_and_came_to_nothing_goes_too(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, node = pair.machine("one"), pair.machine("node")._artifacts
    monkeypatch.setattr(artifacts_module, "_LEFT_BEHIND_S", -60.0)
    placed_in(node, "a", "x", pair.staged())
    made = one.add("a", "x", placed_in(node, "a", "x", pair.staged()), {}, {})
    assert pair.server.keys(pair.bucket) == [f"versions/a/x/{made.id}.tar"]


def test_nothing_is_a_version_while_the_storage_is_down(pair: Pair, tmp_path: Path) -> None:
    with ObjectServer(tmp_path / "server") as server:
        server.make_bucket(pair.bucket)
        mine = Pair(server, pair.bucket, pair.database, pair.folder)
        one, other = mine.machine("one"), mine.machine("other")
        made = one.add("a", "x", mine.staged(), {}, {})
        server.kill()
        staged = mine.staged()
        with pytest.raises(StoreUnavailable):
            one.add("a", "x", staged, {}, {})
        assert (staged / "deep" / "weights.txt").exists(), "it can be tried again"
        assert len(one.list("a", "x")) == 1
        with pytest.raises(StoreUnavailable):
            told(other, made)
        assert told(one, made) == "weights", "it is here already"
        server.start()
        assert one.add("a", "x", staged, {}, {}).number == 2
    with pytest.raises(NotFound):
        one.remove("a", "x", 7)


def test_half_an_archive_of_a_killed_process_goes_when_it_is_old(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    drafts = [blobs / "a" / "x" / f"{age_h}.part" for age_h in (2, 25)]
    drafts[0].parent.mkdir(parents=True)
    for draft in drafts:
        draft.write_bytes(b"half")
        os.utime(draft, (time.time() - 3600 * int(draft.stem),) * 2)
    artifacts = artifacts_in(tmp_path / "versions", FolderBlobs(blobs), Cache(tmp_path / "cache", 0))
    artifacts.remove_left_behind("a/x", set())
    assert [draft.exists() for draft in drafts] == [True, False]
