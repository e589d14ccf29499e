"""Small pictures for galleries. This decodes files of unknown origin: only `describe_process` calls it."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from PIL import Image as Pictures
from PIL import ImageOps

from frontdesk.catalog.gallery import THUMB_SIDE, Picture
from frontdesk.declare.kinds import Image


def make_thumb(picture: Picture, limits: Image) -> None:
    """Write the thumb; an empty file says that the picture is broken or too large, so that it is not tried again."""
    part = picture.thumb.with_suffix(f".{os.getpid()}")
    try:
        _write(picture.path, part, limits.max_pixels)
    except (OSError, ValueError, SyntaxError, Warning, Pictures.DecompressionBombError):
        part.write_bytes(b"")
    part.replace(picture.thumb)


def _write(source: Path, target: Path, pixel_limit: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow warns of what it only half understands
        with Pictures.open(source) as opened:
            if opened.width * opened.height > pixel_limit:
                raise ValueError("too many pixels")
            opened.draft("RGB", (THUMB_SIDE * 2, THUMB_SIDE * 2))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((THUMB_SIDE, THUMB_SIDE))
            flat = Pictures.new("RGB", upright.size, "white")
            with_alpha = upright.convert("RGBA")
            flat.paste(with_alpha, mask=with_alpha)
            flat.save(target, "JPEG", quality=80, optimize=True)
