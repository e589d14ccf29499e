"""Opening pictures from strangers: limits before decoding, and one kind of refusal for whatever is wrong.

This runs in a host, never in the web process.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from frontdesk.declare.faults import UnreadablePicture

__all__ = ["UnreadablePicture", "open_picture"]

Image.init()
_FORMATS = tuple(
    {"PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM"}.intersection(Image.OPEN)
)
"""What people have. Formats that run other programs (EPS) or are no pictures (PDF) are not among them."""

_ALPHA_MODES = ("LA", "PA", "RGBA", "La", "RGBa")


def open_picture(content: bytes, max_pixels: int, mode: str, paper: str = "white") -> Image.Image:
    """The picture, upright and in `mode`. Where the mode has no transparency, `paper` shows through.

    Raises UnreadablePicture.
    """
    with warnings.catch_warnings():
        # A photo with damaged notes about itself is still a photo. What makes it a bomb is checked here.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                _check_size(picture, max_pixels)
                picture.load()
                _check_size(picture, max_pixels)
                return _in_mode(_upright(picture), mode, paper)
        except (UnreadablePicture, MemoryError):
            raise
        except UnidentifiedImageError:
            raise UnreadablePicture(
                "Must be a picture in a usual format, such as PNG, JPEG or WebP."
            ) from None
        except Image.DecompressionBombError:
            raise UnreadablePicture(_too_large(max_pixels)) from None
        except Exception:  # noqa: BLE001  decoders raise anything at all on hostile bytes
            raise UnreadablePicture("The picture is damaged and cannot be read.") from None


def _check_size(picture: Image.Image, max_pixels: int) -> None:
    if picture.width * picture.height > max_pixels:
        raise UnreadablePicture(_too_large(max_pixels))


def _too_large(max_pixels: int) -> str:
    return f"Must have at most {max_pixels:,} pixels."


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001  damaged notes about which way is up
        return picture.copy()


def _in_mode(picture: Image.Image, mode: str, paper: str) -> Image.Image:
    picture = _in_eight_bits(picture)
    is_transparent = picture.mode in _ALPHA_MODES or "transparency" in picture.info
    if is_transparent and mode not in _ALPHA_MODES:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, paper)
        picture = Image.alpha_composite(ground, picture)
    return picture if picture.mode == mode else picture.convert(mode)


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Grey in 16 bits scaled down; converting alone would turn all but the darkest to white."""
    if not picture.mode.startswith("I;16"):
        return picture
    wide: Any = picture.convert("I")
    narrow: Image.Image = wide.point(lambda grey: grey * (1 / 257)).convert("L")
    return narrow
