"""From wire form to what `predict` receives, pictures from strangers included."""

from __future__ import annotations

import enum
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

from frontdesk.declare.kinds import (
    AnyKind,
    Boolean,
    Choice,
    Drawing,
    Field,
    File,
    Image,
    Integer,
    Number,
    Series,
    Table,
    Text,
)
from frontdesk.declare.values import to_python
from frontdesk.errors import InvalidInput


class Colour(enum.Enum):
    RED = "red"


def value_of(kind: AnyKind, wire: object, pixel_limit: int | None = None) -> Any:
    return to_python((Field(name="x", kind=kind),), {"x": wire}, pixel_limit)["x"]


def refusal_of(kind: AnyKind, wire: object, pixel_limit: int | None = None) -> str:
    with pytest.raises(InvalidInput) as refusal:
        value_of(kind, wire, pixel_limit)
    (fault,) = refusal.value.faults
    assert fault.pointer == "/inputs/x"
    return fault.detail


def encoded(picture: Pictures.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


@pytest.mark.parametrize(
    ("kind", "wire", "value"),
    [
        (Number(), 3, 3.0),
        (Integer(), 3, 3),
        (Boolean(), True, True),
        (Text(), "a", "a"),
        (Choice(options=("red",)), "red", "red"),
        (Choice(options=("red",), enum=f"{__name__}:Colour"), "red", Colour.RED),
        (File(), b"a", b"a"),
        (Table(), [{"a": 1}], [{"a": 1}]),
        (Table(columns={"a": Number(), "b": Text()}), [{"a": 1, "b": "x"}], [{"a": 1.0, "b": "x"}]),
        (Series(), [1, 2.5], [1.0, 2.5]),
        (Image(), None, None),
        (Series(), None, None),
    ],
)
def test_predict_receives_what_it_is_annotated_with(kind: AnyKind, wire: object, value: object) -> None:
    found = value_of(kind, wire)
    assert found == value
    assert type(found) is type(value)


def test_what_is_missing_has_its_default() -> None:
    fields = (Field(name="x", kind=Number(), required=False, default=2.0),)
    assert to_python(fields, {}) == {"x": 2.0}


def test_a_model_cannot_change_the_default_of_the_next_call() -> None:
    fields = (Field(name="x", kind=Series(), required=False, default=[1.0]),)
    to_python(fields, {})["x"].append(2.0)
    assert to_python(fields, {}) == {"x": [1.0]}


# ------------------------------------------------------------------------------ pictures


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_it_opens_what_people_have(kind: str) -> None:
    picture = value_of(Image(), encoded(Pictures.new("RGB", (4, 2), "red"), kind))
    assert (picture.size, picture.mode) == ((4, 2), "RGB")
    red, green, blue = picture.getpixel((1, 1))
    assert red > 240 > 20 > green
    assert blue < 20


def test_it_turns_pictures_upright() -> None:
    lying = Pictures.new("RGB", (4, 2))
    exif = Pictures.Exif()
    exif[0x0112] = 6
    assert value_of(Image(), encoded(lying, "JPEG", exif=exif)).size == (2, 4)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F", "I;16"])
@pytest.mark.parametrize("wanted", ["RGB", "L", "RGBA"])
def test_it_gives_the_mode_that_was_declared(mode: str, wanted: str) -> None:
    assert value_of(Image(mode=wanted), encoded(Pictures.new(mode, (3, 3)), "TIFF")).mode == wanted


def test_paper_shows_through_what_is_transparent() -> None:
    content = encoded(Pictures.new("RGBA", (1, 1), (255, 0, 0, 0)))
    assert value_of(Image(), content).getpixel((0, 0)) == (255, 255, 255)
    assert value_of(Image(mode="RGBA"), content).getpixel((0, 0)) == (255, 0, 0, 0)


def test_grey_in_sixteen_bits_keeps_its_shades() -> None:
    grey = Pictures.fromarray(np.array([[0, 257 * 100, 65535]], dtype=np.uint16))
    picture = value_of(Image(mode="L"), encoded(grey))
    assert [picture.getpixel((x, 0)) for x in range(3)] == [0, 100, 255]


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    bomb = encoded(Pictures.new("1", (8000, 8000)))
    assert len(bomb) < 20_000
    assert refusal_of(Image(), bomb) == "Must have at most 50,000,000 pixels."
    assert (
        refusal_of(Image(max_pixels=100), encoded(Pictures.new("L", (11, 10))))
        == "Must have at most 100 pixels."
    )
    assert refusal_of(Image(), encoded(Pictures.new("L", (11, 10))), 100) == "Must have at most 100 pixels."


@pytest.mark.parametrize(
    "content", [b"x", b"", b"%PDF-1.4", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", b"<svg/>"]
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    assert "usual format" in refusal_of(Image(), content)


def test_several_faults_are_told_together() -> None:
    fields = (Field(name="a", kind=Image()), Field(name="b", kind=Image()))
    with pytest.raises(InvalidInput) as refusal:
        to_python(fields, {"a": b"x", "b": b"y"})
    assert [fault.pointer for fault in refusal.value.faults] == ["/inputs/a", "/inputs/b"]


DECODE = {
    "crash-0da013a13571cc8eb457a39fee8db18f8a3c7127.tif",
    "hopper_orientation_6.jpg",
    "hopper_rle8_row_overflow.bmp",
    "photoshop-200dpi-broken.jpg",
    "pil_sample_cmyk.jpg",
    "tRNS_null_1x1.png",
    "tiff_16bit_RGB.tiff",
    "truncated_exif_dpi.jpg",
}
"""Odd, but pictures all the same."""


@pytest.mark.parametrize("kind", [Image(), Image(mode="L"), Drawing()])
def test_hostile_pictures_are_refused_and_odd_ones_opened(kind: AnyKind, test_data: Path) -> None:
    files = sorted((test_data / "hostile_images").iterdir())
    assert len(files) >= 27
    opened = set()
    for file in files:
        try:
            assert value_of(kind, file.read_bytes()) is not None
            opened.add(file.name)
        except InvalidInput as refusal:
            assert refusal.faults[0].detail.endswith("."), file  # noqa: PT017
    assert opened == DECODE & {file.name for file in files}


def test_real_photos_open_upright(test_data: Path) -> None:
    assert value_of(Image(), (test_data / "images" / "n02951585_can_opener.JPEG").read_bytes()).size == (
        294,
        392,
    )
    grey = value_of(Image(), (test_data / "images" / "n02676566_acoustic_guitar.JPEG").read_bytes())
    assert grey.mode == "RGB"


@settings(max_examples=200)
@given(st.data())
def test_no_damage_to_a_picture_is_more_than_a_refusal(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"]))
    content = bytearray(encoded(Pictures.linear_gradient("L").resize((16, 16)), kind))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert value_of(Image(max_pixels=10_000), bytes(content)).mode == "RGB"
        except InvalidInput as refusal:
            assert len(refusal.faults) == 1  # noqa: PT017


# ------------------------------------------------------------------------------ drawings


def test_a_drawing_is_an_array_of_ink() -> None:
    kind = Drawing(width=3, height=2)
    for rows in ([[0, 1, 2], [253.6, 254.4, 255]], [0, 1, 2, 253.6, 254.4, 255]):
        drawing = value_of(kind, rows)
        assert drawing.dtype == np.uint8
        assert drawing.tolist() == [[0, 1, 2], [254, 254, 255]]


def test_a_png_of_any_size_is_a_drawing() -> None:
    canvas = Pictures.new("L", (280, 280), 0)
    canvas.paste(255, (0, 0, 140, 280))
    drawing = value_of(Drawing(), encoded(canvas))
    assert drawing.shape == (28, 28)
    assert (drawing[:, :14] == 255).all()
    assert (drawing[:, 14:] == 0).all()


def test_transparent_is_paper() -> None:
    drawing = value_of(Drawing(width=1, height=1), encoded(Pictures.new("RGBA", (9, 9), (255, 255, 255, 0))))
    assert drawing.tolist() == [[0]]
    drawing = value_of(
        Drawing(width=1, height=1), encoded(Pictures.new("RGBA", (9, 9), (255, 255, 255, 255)))
    )
    assert drawing.tolist() == [[255]]


def test_a_drawing_that_is_no_picture_is_refused() -> None:
    assert "usual format" in refusal_of(Drawing(), b"x")
