"""Sample pictures that a visitor can pick instead of having one of their own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from frontdesk.declare.kinds import Image
from frontdesk.declare.signature import TaskCard

PICTURES_LIMIT = 60
THUMB_SIDE = 160
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Picture:
    """One sample. `thumb` is where its small JPEG is once `describe` has made it; it is empty for a broken picture."""

    name: str
    title: str
    path: Path
    thumb: Path


@dataclass(frozen=True, slots=True)
class Gallery:
    """The samples of all tasks. It only lists: pictures are decoded where models are read, never in the web process."""

    models_folder: Path
    thumbs_folder: Path

    def pictures(self, card: TaskCard, field: str) -> list[Picture]:
        """The samples for one input, by name; those that cannot be shown are left out."""
        return [picture for picture in self._listed(card, field) if _size(picture.thumb) != 0]

    def picture(self, card: TaskCard, field: str, name: str) -> Picture | None:
        """One of them. Only what is listed is found, whatever the name says."""
        return next((picture for picture in self.pictures(card, field) if picture.name == name), None)

    def without_thumb(self, card: TaskCard) -> list[tuple[Picture, Image]]:
        """The samples of all inputs that nobody has made small yet, and the limits that hold for them."""
        return [
            (picture, field.kind)
            for field in card.signature.inputs
            if isinstance(field.kind, Image)
            for picture in self._listed(card, field.name)
            if _size(picture.thumb) is None
        ]

    def _listed(self, card: TaskCard, name: str) -> Iterator[Picture]:
        kind = next((field.kind for field in card.signature.inputs if field.name == name), None)
        folder = self._folder(card, kind.gallery) if isinstance(kind, Image) and kind.gallery else None
        if folder is None:
            return
        with contextlib.suppress(OSError):
            entries = [e for e in os.scandir(folder) if e.name.lower().endswith(_ENDINGS) and e.is_file()]
            for entry in sorted(entries, key=lambda entry: entry.name.lower())[:PICTURES_LIMIT]:
                facts = entry.stat()
                key = f"{Path(entry.path).absolute()} {facts.st_size} {facts.st_mtime_ns} {THUMB_SIDE}"
                thumb = f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.jpg"
                yield Picture(entry.name, _title(entry.name), Path(entry.path), self.thumbs_folder / thumb)

    def _folder(self, card: TaskCard, gallery: str) -> Path | None:
        """Absolute, or relative to the task's own folder or to the models folder, whichever has it."""
        source = Path(card.source)
        own = source if source.is_dir() else source.parent
        folders = (own / gallery, self.models_folder / gallery)
        return next((folder for folder in folders if folder.is_dir()), None)


def _title(name: str) -> str:
    """`n01531178_goldfinch.JPEG` is a goldfinch: numbers in front say nothing to a visitor."""
    stem = name.rpartition(".")[0]
    words = re.sub(r"^[a-z]?\d{4,}[_-]+(?=.)", "", stem, flags=re.IGNORECASE)
    return re.sub(r"[_\s]+", " ", words).strip() or stem


def _size(file: Path) -> int | None:
    """Bytes of a file, None when there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return None
