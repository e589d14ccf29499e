"""Sample pictures: which there are, what they are called, and that broken ones do no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pictures

from frontdesk.catalog.gallery import PICTURES_LIMIT, Gallery
from frontdesk.catalog.thumbs import make_thumb
from frontdesk.declare.kinds import Field, Image, Text
from frontdesk.declare.outputs import JsonOut, Output
from frontdesk.declare.signature import ModelCard, Signature, TaskCard


def card(folder: Path, gallery: str | None, **limits: int) -> TaskCard:
    fields = (
        Field(name="image", kind=Image(gallery=gallery, **limits)),
        Field(name="note", kind=Text()),
    )
    return TaskCard(
        name="photos",
        title="Photos",
        signature=Signature(inputs=fields, outputs=(Output(kind=JsonOut()),)),
        models=(ModelCard(name="one", title="One"),),
        source=str(folder / "model.py"),
    )


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    for folder in ("models/images", "thumbs", "own"):
        (tmp_path / folder).mkdir(parents=True)
    return Gallery(tmp_path / "models", tmp_path / "thumbs")


def paint(path: Path, size: tuple[int, int] = (400, 200), mode: str = "RGB") -> Path:
    Pictures.new(mode, size, 1).save(path)
    return path


def make_thumbs(gallery: Gallery, task: TaskCard) -> None:
    for picture, limits in gallery.without_thumb(task):
        make_thumb(picture, limits)


def test_it_finds_the_folder_of_the_models_or_the_tasks_own(gallery: Gallery, tmp_path: Path) -> None:
    paint(gallery.models_folder / "images" / "n01531178_goldfinch.JPEG")
    task = card(tmp_path, "images")
    (picture,) = gallery.pictures(task, "image")
    assert (picture.name, picture.title) == ("n01531178_goldfinch.JPEG", "goldfinch")
    (tmp_path / "images").mkdir()
    paint(tmp_path / "images" / "own_one.png")
    assert [picture.title for picture in gallery.pictures(task, "image")] == ["own one"]
    assert gallery.pictures(card(tmp_path, str(gallery.models_folder / "images")), "image") == [picture]


def test_there_is_none_where_none_was_declared(gallery: Gallery, tmp_path: Path) -> None:
    assert gallery.pictures(card(tmp_path, None), "image") == []
    assert gallery.pictures(card(tmp_path, "nowhere"), "image") == []
    assert gallery.pictures(card(tmp_path, "images"), "note") == []
    assert gallery.pictures(card(tmp_path, "images"), "nothing") == []


def test_it_gives_only_what_it_lists(gallery: Gallery, tmp_path: Path) -> None:
    paint(gallery.models_folder / "images" / "a.png")
    paint(gallery.models_folder / "secret.png")
    task = card(tmp_path, "images")
    assert gallery.picture(task, "image", "a.png") is not None
    assert gallery.picture(task, "image", "../secret.png") is None


def test_a_long_list_is_cut(gallery: Gallery, tmp_path: Path) -> None:
    for number in range(PICTURES_LIMIT + 5):
        (gallery.models_folder / "images" / f"{number:03}.jpg").write_bytes(b"?")
    assert len(gallery.pictures(card(tmp_path, "images"), "image")) == PICTURES_LIMIT


def test_thumbs_are_small_jpegs_made_once(gallery: Gallery, tmp_path: Path) -> None:
    folder = gallery.models_folder / "images"
    for name, mode in (
        ("a.jpg", "RGB"),
        ("b.png", "RGBA"),
        ("c.png", "P"),
        ("d.tif", "I;16"),
        ("e.jpg", "CMYK"),
    ):
        paint(folder / name, mode=mode)
    task = card(tmp_path, "images")
    assert len(gallery.without_thumb(task)) == 5
    make_thumbs(gallery, task)
    assert gallery.without_thumb(task) == []
    for picture in gallery.pictures(task, "image"):
        with Pictures.open(picture.thumb) as thumb:
            assert (thumb.format, thumb.mode, thumb.size) == ("JPEG", "RGB", (160, 80))
    paint(folder / "a.jpg", (300, 300))  # another picture under the same name
    assert [picture.name for picture, _ in gallery.without_thumb(task)] == ["a.jpg"]


def test_thumbs_are_upright(gallery: Gallery, tmp_path: Path, test_data: Path) -> None:
    source = test_data / "hostile_images" / "hopper_orientation_6.jpg"
    (gallery.models_folder / "images" / "a.jpg").write_bytes(source.read_bytes())
    task = card(tmp_path, "images")
    make_thumbs(gallery, task)
    (picture,) = gallery.pictures(task, "image")
    with Pictures.open(picture.thumb) as thumb, Pictures.open(source) as lying:
        upright = lying.transpose(Pictures.Transpose.ROTATE_270).resize(thumb.size)
        far = sum(abs(a - b) for a, b in zip(thumb.tobytes(), upright.tobytes(), strict=True))
    assert far / (thumb.width * thumb.height * 3) < 10


def test_broken_and_hostile_pictures_are_left_out(gallery: Gallery, tmp_path: Path, test_data: Path) -> None:
    folder = gallery.models_folder / "images"
    for name in ("broken.png", "truncated_jpeg.jpg", "decompression_bomb.gif", "badwidth.bmp"):
        (folder / name).write_bytes((test_data / "hostile_images" / name).read_bytes())
    paint(folder / "large.png", (1000, 1000))
    paint(folder / "good.png")
    task = card(tmp_path, "images", max_pixels=500_000)
    make_thumbs(gallery, task)
    assert [picture.name for picture in gallery.pictures(task, "image")] == ["good.png"]
    assert gallery.without_thumb(task) == []
