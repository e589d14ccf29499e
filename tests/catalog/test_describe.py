"""Describing sources in processes of their own, and remembering what they said."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Pictures

from frontdesk.catalog.describe import describe
from frontdesk.catalog.gallery import Gallery
from frontdesk.errors import DeclarationError
from support.networks import linear

MODEL = """
import frontdesk as fd

class Doubling(fd.Model):
    \"\"\"Doubles.\"\"\"
    task = "double"
    def predict(self, x: float = 1.0) -> float:
        return 2 * x
"""
PHOTOS = """
from typing import Annotated
import frontdesk as fd
from PIL import Image

@fd.task
def photos(image: Annotated[Image.Image, fd.Image(gallery="images")]) -> str:
    return str(image.size)
"""


class Desk:
    """A folder of sources, and how often describing them started a process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.models, self.cache = folder / "src", folder / "models", folder / "cache"
        self.folder.mkdir()
        self.models.mkdir()
        self.started: list[str] = []

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def describe(self, *sources: Path) -> dict[str, object]:
        return dict(describe(list(sources), self.cache, self.models))

    def starts(self, *sources: Path) -> int:
        """How many processes describing these takes now."""
        before = len(self.started)
        self.describe(*sources)
        return len(self.started) - before


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    run = subprocess.run

    def counted(command: list[str], **options: object) -> object:
        desk.started.append(command[-1])
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("frontdesk.catalog.describe.subprocess.run", counted)
    return desk


def test_it_reads_every_source_without_importing_it_here(desk: Desk) -> None:
    one = desk.write("one_source.py", MODEL)
    two = desk.write("two/model.py", MODEL.replace("double", "twice")).parent
    cards = desk.describe(one, two, one)
    assert list(cards) == ["double", "twice"]
    assert cards["double"].description == "Doubles."  # type: ignore[attr-defined]
    assert cards["twice"].source == str(two)  # type: ignore[attr-defined]
    assert "one_source" not in sys.modules
    assert len(desk.started) == 2


def test_a_second_start_starts_nothing_and_is_quick(desk: Desk) -> None:
    sources = [
        desk.write("one.py", MODEL),
        desk.write("two/model.py", MODEL.replace("double", "twice")).parent,
    ]
    sources.append(linear(desk.folder / "net.onnx", [[1], [2]]))
    first = desk.describe(*sources)
    began = time.perf_counter()
    second = desk.describe(*sources)
    assert time.perf_counter() - began < 0.05
    assert first == second
    assert len(desk.started) == 3


@pytest.mark.parametrize(
    "printed", ["print('hello')", "import sys; sys.stdout.write('{}')", "import os; os.write(1, b'x')"]
)
def test_what_a_file_prints_does_no_harm(desk: Desk, printed: str) -> None:
    assert list(desk.describe(desk.write("a.py", f"{printed}\n{MODEL}"))) == ["double"]


def test_a_changed_file_is_read_again(desk: Desk) -> None:
    file = desk.write("a.py", MODEL)
    code = desk.describe(file)["double"].models[0].code_sha256  # type: ignore[attr-defined]
    assert desk.starts(file) == 0
    desk.write("a.py", MODEL.replace("Doubles.", "Makes two of one."))
    card = desk.describe(file)["double"]
    assert card.description == "Makes two of one."  # type: ignore[attr-defined]
    assert card.models[0].code_sha256 != code  # type: ignore[attr-defined]


def test_whatever_was_read_counts(desk: Desk) -> None:
    folder = desk.write("shop/model.py", "import shop_parts\n" + MODEL).parent
    desk.write(
        "shop/shop_parts.py",
        "from pathlib import Path\nPath(__file__).with_name('options.txt').read_text()\n",
    )
    desk.write("shop/options.txt", "a b c")
    assert desk.starts(folder) == 1
    desk.write("shop/unrelated.txt", "nobody read this")
    assert desk.starts(folder) == 0
    desk.write("shop/options.txt", "a b c d")
    assert desk.starts(folder) == 1
    desk.write("shop/shop_parts.py", "")
    assert desk.starts(folder) == 1
    desk.write("shop/routes.py", "")
    assert desk.starts(folder) == 1
    assert desk.describe(folder)["double"].routes == str(folder / "routes.py")  # type: ignore[attr-defined]


def test_code_that_was_compiled_before_counts_too(desk: Desk) -> None:
    folder = desk.write("shop/model.py", "import shop_compiled\n" + MODEL).parent
    part = desk.write("shop/shop_compiled.py", "X = 1\n")
    subprocess.run([sys.executable, "-m", "compileall", "-q", folder], check=True)
    assert desk.starts(folder) == 1
    part.write_text("X = 22\n")
    assert desk.starts(folder) == 1


def test_what_is_saved_while_it_is_read_is_read_again(desk: Desk) -> None:
    file = desk.write("a.py", MODEL + "\nfrom pathlib import Path\nPath(__file__).touch()\n")
    assert [desk.starts(file), desk.starts(file)] == [1, 1]


def test_a_changed_network_is_read_again(desk: Desk) -> None:
    path = linear(desk.folder / "net.onnx", [[1], [2]])
    assert desk.starts(path) == 1
    linear(path, [[1], [2], [3]])
    assert desk.starts(path) == 1
    (desk.folder / "net.labels.txt").write_text("a\nb\n")
    with pytest.raises(DeclarationError, match="labels"):
        desk.describe(path)


def test_a_fault_in_metadata_points_at_the_network(desk: Desk) -> None:
    metadata = {"features": '[{"name": "a", "ge": 5, "le": 1}, "b"]'}
    path = linear(desk.folder / "net.onnx", [[1], [2]], metadata=metadata)
    with pytest.raises(DeclarationError, match="metadata") as caught:
        desk.describe(path)
    assert caught.value.file == str(path)


def test_a_damaged_memory_is_read_afresh(desk: Desk) -> None:
    file = desk.write("a.py", MODEL)
    desk.describe(file)
    for memory in (desk.cache / "cards").iterdir():
        memory.write_text('{"identity": 3')
    assert desk.starts(file) == 1
    assert desk.starts(file) == 0


def test_a_fault_comes_through_with_its_place(desk: Desk) -> None:
    file = desk.write("a.py", MODEL + "\nraise KeyError('weights')\n")
    for _ in range(2):  # a fault is never remembered
        with pytest.raises(DeclarationError, match="KeyError") as caught:
            desk.describe(file)
        assert (caught.value.file, caught.value.line) == (str(file), 10)
    file.write_text(MODEL.replace(": float = 1.0", ""))
    with pytest.raises(DeclarationError) as caught:
        desk.describe(file)
    assert caught.value.file == str(file)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("import os; os._exit(3)", "ended with code 3"),
        ("import ctypes; ctypes.string_at(0)", "ended with code -11"),
        ("import sys; sys.exit('no licence')", "ended the process"),
    ],
)
def test_a_file_that_ends_its_process_is_told_apart(desk: Desk, ending: str, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        desk.describe(desk.write("a.py", f"print('so far', flush=True)\n{ending}\n"))


def test_a_thread_that_never_ends_does_not_hold_it_up(desk: Desk) -> None:
    thread = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    began = time.monotonic()
    desk.describe(desk.write("a.py", thread + MODEL))
    assert time.monotonic() - began < 30


def test_one_task_from_two_sources_is_refused(desk: Desk) -> None:
    with pytest.raises(DeclarationError, match=r"one\.py and in .*two\.py"):
        desk.describe(desk.write("one.py", MODEL), desk.write("two.py", MODEL))


def test_a_missing_source_is_refused_before_anything_starts(desk: Desk) -> None:
    for name in ("nothing.py", "nothing.onnx", "nothing"):
        with pytest.raises(DeclarationError, match="no file or folder"):
            desk.describe(desk.folder / name)
    assert desk.started == []


def test_thumbs_are_made_there_and_again_when_pictures_come(desk: Desk) -> None:
    file = desk.write("photos_task.py", PHOTOS)
    images = desk.models / "images"
    assert desk.starts(file) == 1  # nothing was pulled yet
    images.mkdir()
    (images / "broken.png").write_bytes(b"?")
    Pictures.new("RGB", (640, 480)).save(images / "one.png")
    assert desk.starts(file) == 1
    assert desk.starts(file) == 0
    card = describe([file], desk.cache, desk.models)["photos"]
    (picture,) = Gallery(desk.models, desk.cache / "thumbs").pictures(card, "image")
    assert picture.name == "one.png"
    with Pictures.open(picture.thumb) as thumb:
        assert thumb.size == (160, 120)
