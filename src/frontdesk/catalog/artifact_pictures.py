"""How a picture becomes the tensor that an ONNX network expects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image as Pictures

from frontdesk.catalog.artifact_notes import Notes
from frontdesk.catalog.onnx import Array, Tensor

_DEFAULT_SIDE = 224
_CROP_MARGIN = 256 / 224
_LARGEST_CANVAS = 32
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_FORMATS = {"Gray8": "L", "Rgb8": "RGB", "Bgr8": "BGR"}
"""Values of `Image.BitmapPixelFormat`, a key that the ONNX standard defines."""
_RANGES = {
    "NominalRange_0_255": (1.0, 0.0, 1.0),
    "Normalized_0_1": (255.0, 0.0, 1.0),
    "Normalized_1_1": (127.5, 1.0, 1.0),
}
"""Values of `Image.NominalPixelRange`, likewise: divisor, mean and standard deviation."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Size the picture, order its channels, and scale: (value / divisor - mean) / std."""

    width: int
    height: int
    channels: str
    axes: str
    crops: bool
    divisor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def tensor(self, picture: Pictures.Image | Array) -> Array:
        """The tensor of one picture, still without a dimension for rows."""
        values: Array = np.asarray(self._sized(picture), dtype=np.float32)
        if values.ndim == 2:
            values = values[:, :, np.newaxis]
        if self.channels == "BGR":
            values = values[:, :, ::-1]
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        values = (values / np.float32(self.divisor) - mean) / std
        if self.axes == "HW":
            return values[:, :, 0]
        return values if self.axes == "HWC" else values.transpose(2, 0, 1)

    def sentence(self) -> str:
        """What is done, for whoever wonders why the answers are odd."""
        size = f"{self.width} × {self.height}"
        how = f"cut to its middle at {size}" if self.crops else f"resized to {size}"
        parts = [f"The picture is {how}", f"in {'grey' if self.channels == 'L' else self.channels}"]
        parts.append("as 0 to 255" if self.divisor == 1 else f"divided by {self.divisor:g}")
        if any(self.mean):
            parts.append(f"minus {_listed(self.mean)}")
        if any(part != 1 for part in self.std):
            parts.append(f"divided by {_listed(self.std)}")
        return ", ".join(parts) + "."

    def _sized(self, picture: Pictures.Image | Array) -> Pictures.Image:
        if not isinstance(picture, Pictures.Image):
            picture = Pictures.fromarray(picture)
        picture = picture.convert("L" if self.channels == "L" else "RGB")
        if picture.size == (self.width, self.height):
            return picture
        if not self.crops:
            return picture.resize((self.width, self.height), Pictures.Resampling.BILINEAR)
        scale = max(self.width / picture.width, self.height / picture.height) * _CROP_MARGIN
        across = max(self.width, round(picture.width * scale))
        down = max(self.height, round(picture.height * scale))
        left, top = (across - self.width) // 2, (down - self.height) // 2
        # Only the middle is resized: all of a picture one pixel wide may be too large for any memory.
        middle = (
            left * picture.width / across,
            top * picture.height / down,
            (left + self.width) * picture.width / across,
            (top + self.height) * picture.height / down,
        )
        return picture.resize((self.width, self.height), Pictures.Resampling.BILINEAR, middle)


def recipe_of(tensor: Tensor, notes: Notes) -> Recipe | None:
    """The recipe for a tensor that takes pictures; None when it does not look like one that does."""
    found = _layout(tensor)
    if found is None:
        return None
    axes, count, height, width = found
    side = int(notes.number("size", _DEFAULT_SIDE))
    channels = (
        notes.choice("channels", ("RGB", "BGR", "L"))
        or _FORMATS.get(notes.text("Image.BitmapPixelFormat"))
        or ("L" if count == 1 else "RGB")
    )
    if (channels == "L") != (count == 1):
        raise notes.fault("channels", f"says {channels} where the network takes {count} channels")
    divisor, mean, std = _scale(tensor, notes, axes, count)
    how = notes.choice("resize", ("crop", "whole"))
    return Recipe(
        width=width or side,
        height=height or side,
        channels=channels,
        axes=axes,
        crops=how == "crop" or (not how and count == 3),
        divisor=divisor,
        mean=mean,
        std=std,
    )


def _layout(tensor: Tensor) -> tuple[str, int, int | None, int | None] | None:
    """Order of axes, count of channels, height and width."""
    if tensor.rank == 4 and tensor.shape[0] in (None, 1):
        first, second, third = tensor.shape[1:]
        if first in (1, 3):
            return "CHW", first, second, third
        if third in (1, 3):
            return "HWC", third, first, second
    if tensor.rank == 3 and tensor.shape[0] in (None, 1):
        height, width = tensor.shape[1:]
        if height == width and height is not None and 16 <= height <= _LARGEST_CANVAS:
            return "HW", 1, height, width
    return None


def _scale(
    tensor: Tensor, notes: Notes, axes: str, count: int
) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
    """From the metadata; else what the tools that write such files were most often trained with."""
    assert tensor.type is not None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    if notes.text("divisor") or notes.text("mean") or notes.text("std"):
        divisor, mean, std = 255.0, (0.0,), (1.0,)
    elif named := _RANGES.get(notes.text("Image.NominalPixelRange")):
        divisor, mean, std = named[0], (named[1],), (named[2],)
    elif np.issubdtype(tensor.type, np.integer):
        divisor, mean, std = 1.0, (0.0,), (1.0,)
    elif count == 1:
        divisor, mean, std = 255.0, (0.0,), (1.0,)
    elif axes == "HWC":
        divisor, mean, std = 127.5, (1.0,), (1.0,)
    else:
        divisor, mean, std = 255.0, _IMAGENET_MEAN, _IMAGENET_STD
    divisor = notes.number("divisor", divisor)
    mean, std = notes.numbers("mean", mean), notes.numbers("std", std)
    for key, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, count):
            raise notes.fault(key, f"has {len(values)} values for {count} channels")
    if divisor == 0 or 0 in std:
        raise notes.fault("divisor" if divisor == 0 else "std", "must not be 0")
    return divisor, mean, std


def _listed(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else f"({', '.join(f'{v:g}' for v in values)})"
