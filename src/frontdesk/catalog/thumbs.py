"""Small pictures for galleries. This decodes files of unknown origin: only `describe_process` calls it."""

from __future__ import annotations

import os

from frontdesk.catalog.gallery import THUMB_SIDE, Picture
from frontdesk.declare.kinds import Image
from frontdesk.declare.pictures import UnreadablePicture, open_picture


def make_thumb(picture: Picture, limits: Image) -> None:
    """Write the thumb. An empty file says that a visitor could not send this picture, so that it is not tried again."""
    part = picture.thumb.with_suffix(f".{os.getpid()}")
    try:
        if picture.path.stat().st_size > limits.max_bytes:
            raise UnreadablePicture
        small = open_picture(picture.path.read_bytes(), limits.max_pixels, "RGB")
        small.thumbnail((THUMB_SIDE, THUMB_SIDE))
        small.save(part, "JPEG", quality=80, optimize=True)
    except (OSError, MemoryError, UnreadablePicture):
        part.write_bytes(b"")
    part.replace(picture.thumb)
