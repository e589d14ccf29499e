"""Bytes in a folder and in a bucket of a real S3 server (Ceph's): one contract, held by both."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from frontdesk.errors import FileDamaged, NotFound, SettingsError, StoreUnavailable
from frontdesk.store import bucket as bucket_module
from frontdesk.store.archives import packed_folder, unpack
from frontdesk.store.blobs import Blobs, FolderBlobs, Label
from frontdesk.store.bucket import BucketBlobs
from frontdesk.store.cache import Cache
from frontdesk.store.storage import BucketPlace
from frontdesk.store.verified import Kept
from support.servers.objects import ACCESS_KEY, SECRET_KEY, ObjectServer

LABEL = Label(name="märz.csv", media_type="text/csv")
PART = 8 * 2**20


def place(server: ObjectServer, bucket: str, prefix: str = "") -> BucketPlace:
    found = BucketPlace.read(
        f"s3://{bucket}/{prefix}", endpoint=server.url, region="", access_key=ACCESS_KEY,
        secret_key=SECRET_KEY, ca="", addressing="",
    )  # fmt: skip
    assert found is not None
    return found


@pytest.fixture
def bucket(object_server: ObjectServer) -> str:
    name = f"blobs-{uuid.uuid4().hex[:12]}"
    object_server.make_bucket(name)
    return name


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 0)


@pytest.fixture
def stored(object_server: ObjectServer, bucket: str, cache: Cache) -> BucketBlobs:
    return place(object_server, bucket, "desk/one").blobs("files/", cache)


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "files")
    found: BucketBlobs = request.getfixturevalue("stored")
    return found


def kept(content: bytes) -> Kept:
    return Kept(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("size", [0, 1, 1000, 2**20, PART - 1, PART, PART + 1, 3 * PART + 5])
def test_what_is_kept_comes_back_whole(blobs: Blobs, size: int) -> None:
    content = os.urandom(size)
    pieces = [content[start : start + 300_000] for start in range(0, size, 300_000)]
    assert blobs.put("aa/one", pieces, LABEL) == kept(content)
    with blobs.open("aa/one", kept(content), "one") as found:
        assert found.read() == content
    with blobs.local("aa/one", kept(content), "one") as path:
        assert path.read_bytes() == content
    blobs.remove(["aa/one", "aa/never"])
    with pytest.raises(NotFound):
        blobs.open("aa/one", kept(content), "one")


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 300_000, b"x" * 300_001])
def test_damaged_bytes_are_never_handed_out_whole(
    blobs: Blobs, damage: bytes, tmp_path: Path, object_server: ObjectServer, bucket: str
) -> None:
    content = b"o" * 300_000
    blobs.put("aa/one", [content], LABEL)
    if isinstance(blobs, FolderBlobs):
        (tmp_path / "files" / "aa" / "one").write_bytes(damage)
    else:
        object_server.store(bucket).put("desk/one/files/aa/one", damage)
    with (
        blobs.open("aa/one", kept(content), "march.csv") as found,
        pytest.raises(FileDamaged, match=r"march\.csv"),
    ):
        found.read()
    with pytest.raises(FileDamaged), blobs.local("aa/one", kept(content), "march.csv"):
        pytest.fail("it was handed out")


def test_the_last_piece_of_a_damaged_file_is_held_back(blobs: Blobs, tmp_path: Path) -> None:
    content = os.urandom(3 * 2**20)
    blobs.put("aa/one", [content], LABEL)
    wrong = Kept(size_bytes=len(content), sha256="0" * 64)
    came = 0
    with blobs.open("aa/one", wrong, "one") as found:
        while came < 2_000_000:
            came += len(found.read(100_000))
        with pytest.raises(FileDamaged):
            found.read()


@pytest.mark.parametrize("before", [0, 1, PART, 3 * PART])
def test_an_upload_that_breaks_off_leaves_nothing(blobs: Blobs, before: int) -> None:
    def broken() -> Iterator[bytes]:
        for _ in range(0, before, 2**20):
            yield bytes(2**20)
        raise ConnectionError("they hung up")

    with pytest.raises(ConnectionError):
        blobs.put("aa/one", broken(), LABEL)
    assert [key for page in blobs.old("", -60) for key in page] == []
    if isinstance(blobs, BucketBlobs):
        assert list(blobs._begun("")) == []
    else:
        assert [path for path in blobs._folder.rglob("*") if path.is_file()] == []


def test_old_keys_come_by_the_page(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "_PAGE", 3)
    names = [f"{number % 2:02}/{number}" for number in range(7)]
    for name in names:
        blobs.put(name, [b"x"], LABEL)
    assert [key for page in blobs.old("", 60) for key in page] == []
    pages = list(blobs.old("", -60))
    assert sorted(key for page in pages for key in page) == sorted(names)
    assert len(pages) >= 3
    assert sorted(key for page in blobs.old("01/", -60) for key in page) == ["01/1", "01/3", "01/5"]
    blobs.remove(names)
    assert [key for page in blobs.old("", -60) for key in page] == []


def test_uploads_of_killed_processes_are_ended_once_they_are_old(
    stored: BucketBlobs, object_server: ObjectServer, bucket: str
) -> None:
    code = f"""
import os, signal, sys
sys.path[:0] = {sys.path!r}
from store.test_blobs import *
from support.servers.objects import ObjectServer
server = ObjectServer.__new__(ObjectServer)
server.url = {object_server.url!r}
def pieces():
    for number in range(40):
        yield bytes(2**20)
    os.kill(os.getpid(), signal.SIGKILL)
place(server, {bucket!r}, "desk/one").blobs("files/", None).put("aa/one", pieces(), LABEL)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=Path(__file__).parent.parent, timeout=60
    )
    assert done.returncode == -9
    assert [begun.key for begun in stored._begun("desk/one/files/")] == ["desk/one/files/aa/one"]
    assert object_server.keys(bucket) == []
    stored.remove_drafts(60)
    assert len(list(stored._begun(""))) == 1, "it may still be under way"
    stored.remove_drafts(-60)
    assert list(stored._begun("")) == []


def test_drafts_of_killed_processes_are_removed_once_they_are_old(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put("aa/one", [b"x"], LABEL)
    draft = tmp_path / "aa" / "two.part"
    draft.write_bytes(b"half")
    blobs.remove_drafts(60)
    assert draft.exists()
    os.utime(draft, (time.time() - 120,) * 2)
    blobs.remove_drafts(60)
    assert not draft.exists()
    assert (tmp_path / "aa" / "one").exists()


def test_large_files_pass_in_bounded_memory(object_server: ObjectServer, bucket: str) -> None:
    """300 MB up and down, in a process of its own so that nothing else is measured."""
    code = f"""
import resource, sys, time
sys.path[:0] = {sys.path!r}
import httpx, obstore
from store.test_blobs import *
from support.servers.objects import ObjectServer
server = ObjectServer.__new__(ObjectServer)
server.url = {object_server.url!r}
blobs = place(server, {bucket!r}).blobs("files/", None)
blobs.put("warm", [b"x"], LABEL)
blobs.open("warm", kept(b"x"), "warm").read()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
known = blobs.put("large", (bytes([n % 256]) * 2**20 for n in range(300)), LABEL)
up = peak() - before
with blobs.open("large", known, "large") as content:
    while content.read(2**20):
        pass
print(up, peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent, timeout=100,
        capture_output=True, text=True,
    )  # fmt: skip
    up_mb, both_mb = map(float, done.stdout.split())
    assert both_mb < 64, f"grew by {up_mb:.0f} MB on the way up, {both_mb:.0f} MB in all"
    object_server.store(bucket).delete("files/large")


def test_a_link_gives_the_file_under_its_name_for_a_while(stored: BucketBlobs) -> None:
    stored.put("aa/one", [b"a,b\n"], LABEL)
    link = stored.link("aa/one", 60)
    assert link is not None
    answer = httpx.get(link)
    assert (answer.status_code, answer.text) == (200, "a,b\n")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''m%C3%A4rz.csv"
    assert answer.headers["Content-Type"] == "text/csv"
    assert httpx.get(link.replace("aa/one", "aa/two")).status_code == 403
    assert SECRET_KEY not in link
    gone = stored.link("aa/one", 1)
    time.sleep(2.1)
    assert gone is not None
    assert httpx.get(gone).status_code == 403


def test_a_storage_that_is_down_is_said_so_and_found_again(tmp_path: Path) -> None:
    with ObjectServer(tmp_path / "server") as server:
        server.make_bucket("files")
        blobs = place(server, "files").blobs("files/", Cache(tmp_path / "cache", 0))
        content = os.urandom(20 * 2**20)
        known = blobs.put("aa/one", [content], LABEL)
        with blobs.local("aa/one", known, "one"):
            pass
        server.kill()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            blobs.put("aa/two", [b"x"], LABEL)
        with pytest.raises(StoreUnavailable):
            blobs.open("aa/one", known, "one")
        with blobs.local("aa/one", known, "one") as path:  # what is here already needs nobody
            assert path.stat().st_size == len(content)
        server.start()
        _killed_during_upload(server, blobs)
        server.start()
        _killed_during_download(server, blobs, known)
        server.start()
        assert server.keys("files") == ["files/aa/one"]


def _killed_during_upload(server: ObjectServer, blobs: BucketBlobs) -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(64):
            if number == 32:
                server.kill()
            yield bytes(2**20)

    with pytest.raises(StoreUnavailable):
        blobs.put("aa/three", pieces(), LABEL)


def _killed_during_download(server: ObjectServer, blobs: BucketBlobs, known: Kept) -> None:
    with blobs.open("aa/one", known, "one") as found:
        assert len(found.read(1000)) == 1000
        server.kill()
        with pytest.raises(StoreUnavailable):
            found.read()


def test_a_bucket_that_is_not_there_is_no_missing_file(object_server: ObjectServer, cache: Cache) -> None:
    blobs = place(object_server, "nothing-here").blobs("files/", cache)
    with pytest.raises(StoreUnavailable):
        blobs.open("aa/one", kept(b""), "one")
    with pytest.raises(StoreUnavailable):
        blobs.put("aa/one", [b"x"], LABEL)


@pytest.mark.parametrize(
    ("storage", "changes", "words"),
    [
        ("folder", {}, "must be s3://"),
        ("s3://", {}, "must be s3://"),
        ("s3://bucket", {"addressing": "somehow"}, "s3_addressing"),
        ("s3://bucket", {"access_key": "a"}, "go together"),
    ],
)
def test_settings_that_cannot_be_used_are_named(storage: str, changes: dict[str, str], words: str) -> None:
    plain = dict.fromkeys(("endpoint", "region", "access_key", "secret_key", "ca", "addressing"), "")
    with pytest.raises(SettingsError, match=words):
        BucketPlace.read(storage, **{**plain, **changes})


def test_a_server_is_spoken_to_with_tls_unless_it_is_said_otherwise() -> None:
    plain = dict.fromkeys(("region", "access_key", "secret_key", "ca", "addressing"), "")
    assert BucketPlace.read("", endpoint="", **plain) is None
    own = BucketPlace.read("s3://b/p/", endpoint="store.example:9000", **plain)
    assert own is not None
    assert (own.url, own.prefix) == ("https://store.example:9000/b", "p/")
    amazon = BucketPlace.read("s3://b", endpoint="", **plain)
    assert amazon is not None
    assert amazon.url == "https://b.s3.us-east-1.amazonaws.com"
    assert "secret" not in repr(BucketPlace(bucket="b", secret_key="secret"))


def test_a_server_with_a_certificate_of_ones_own_is_believed_by_it(tmp_path: Path) -> None:
    ca, certificate, key = _signed_certificate(tmp_path)
    with ObjectServer(tmp_path / "server", certificate, key) as server:
        server.make_bucket("files")
        keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "region": "", "addressing": ""}
        address = server.tls_url.removeprefix("https://")
        believed = BucketPlace.read("s3://files", endpoint=address, ca=str(ca), **keys)
        doubted = BucketPlace.read("s3://files", endpoint=address, ca="", **keys)
        assert believed is not None
        assert doubted is not None
        believed.blobs("", Cache(tmp_path / "cache", 0)).put("one", [b"x"], LABEL)
        believed.blobs("", Cache(tmp_path / "cache", 0)).remove_drafts(60)
        with pytest.raises(StoreUnavailable):
            doubted.blobs("", Cache(tmp_path / "cache", 0)).put("one", [b"x"], LABEL)


def _signed_certificate(folder: Path) -> tuple[Path, Path, Path]:
    """An authority of one's own, and a certificate for this machine that it signed, with its key."""
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    ca, ca_key, certificate, key = (folder / f"{name}.pem" for name in ("ca", "ca-key", "certificate", "key"))
    for command in (
        [*new, "-subj", "/CN=tests", "-keyout", ca_key, "-out", ca],
        [*new, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-addext",
         "basicConstraints=critical,CA:FALSE", "-CA", ca, "-CAkey", ca_key, "-keyout", key, "-out", certificate],
    ):  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
    return ca, certificate, key


def test_a_folder_survives_being_packed(blobs: Blobs, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    (folder / "deep" / "empty").mkdir(parents=True)
    (folder / "large.bin").write_bytes(os.urandom(5 * 2**20 + 7))
    (folder / "deep" / "nothing").write_bytes(b"")
    (folder / "deep" / "run.sh").write_text("echo")
    (folder / "deep" / "run.sh").chmod(0o755)
    (folder / "link").symlink_to(folder / "deep" / "run.sh")
    (folder / "dangling").symlink_to("nowhere")
    known = blobs.put("one.tar", packed_folder(folder), LABEL)
    with blobs.open("one.tar", known, "one") as content:
        unpack(content, tmp_path / "again", "one")
    (folder / "dangling").unlink()
    assert _told(tmp_path / "again") == _told(folder)
    assert (tmp_path / "again" / "deep" / "run.sh").stat().st_mode & 0o777 == 0o755


def _told(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside"])
def test_nothing_is_unpacked_outside_its_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    with path.open("rb") as content, pytest.raises(FileDamaged):
        unpack(content, tmp_path / "inside", "one")
    assert not (tmp_path / "outside").exists()


# --------------------------------------------------------------------------------- the cache


def test_an_entry_is_made_once_for_all_who_want_it(tmp_path: Path) -> None:
    cache, made = Cache(tmp_path, 0), []

    def make(path: Path) -> None:
        made.append(path)
        time.sleep(0.1)
        path.write_text("x")

    def use() -> None:
        with cache.hold("one", make) as path:
            assert path.read_text() == "x"

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_the_least_recently_used_goes_and_what_is_in_use_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 2500)

    def use(name: str) -> None:
        with cache.hold(name, lambda path: path.write_bytes(bytes(1000))):  # type: ignore[arg-type, return-value]
            time.sleep(0.02)

    for name in ("one", "two", "one", "three"):
        use(name)
    assert {path.name for path in tmp_path.iterdir() if path.suffix == ""} == {"one", "three"}
    with cache.hold("one", lambda path: pytest.fail("it is there")):
        for name in ("four", "five", "six"):
            use(name)
        assert (tmp_path / "one").exists()
    assert not (tmp_path / "two.lock").exists()


def test_an_entry_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def make(path: Path) -> None:
        path.write_text("half")
        raise StoreUnavailable("gone")

    cache = Cache(tmp_path, 0)
    with pytest.raises(StoreUnavailable), cache.hold("one", make):
        pytest.fail("there is nothing")
    assert [path.name for path in tmp_path.iterdir()] == ["one.lock"]
    with cache.hold("one", lambda path: path.mkdir()) as path:
        assert path.is_dir()


def test_a_lock_that_another_process_removes_just_now_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "gone.lock").symlink_to("nowhere")  # its name is listed, and there is nothing to be had of it
    with Cache(tmp_path, 1).hold("one", lambda path: path.mkdir()) as path:
        assert path.is_dir()


def test_a_lock_that_cannot_be_had_is_told_and_closes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def refusing(descriptor: int, how: int) -> None:
        if how == fcntl.LOCK_EX:
            raise OSError(errno.ENOLCK, "No locks available")
        flock(descriptor, how)

    monkeypatch.setattr("frontdesk.store.cache.fcntl.flock", refusing)
    with pytest.raises(OSError, match="No locks available"), Cache(tmp_path, 0).hold("one", Path.mkdir):
        pytest.fail("it was made")
