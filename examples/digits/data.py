"""Handwritten digits to learn from, and how a drawing is made to look like one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, INK_SIDE = 28, 20
LEAST_PICTURES, HELD_OUT = 500, 5


@dataclass(frozen=True, slots=True)
class Digits:
    """Pictures of shape (count, 28, 28), 0 paper to 255 ink, with the digits they show."""

    source: str
    pictures: np.ndarray
    digits: np.ndarray
    test_pictures: np.ndarray
    test_digits: np.ndarray

    def first(self, count: int) -> Digits:
        """The same with no more than so many pictures to learn from; 0 is all."""
        return replace(self, pictures=self.pictures[: count or None], digits=self.digits[: count or None])


def digits(models_folder: Path) -> Digits:
    """MNIST (LeCun, Bottou, Bengio and Haffner, 1998) where it was pulled, else scikit-learn's small digits."""
    path = models_folder / "mnist" / "mnist.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as mnist:
            return Digits("MNIST", *(mnist[name] for name in ("x_train", "y_train", "x_test", "y_test")))
    return _small_digits()


def from_csv(path: Path, name: str, seed: int) -> Digits:
    """Somebody's own: a line for each picture, its digit and 784 numbers from 0 to 255; each fifth is held out."""
    with path.open() as lines:
        has_heading = not lines.readline().split(",")[0].strip().isdigit()
    table = np.loadtxt(path, delimiter=",", skiprows=int(has_heading), ndmin=2)
    if table.shape[1] != 1 + SIDE * SIDE or len(table) < LEAST_PICTURES:
        raise ValueError(
            f"{name} must have {LEAST_PICTURES} lines at least, of a digit and {SIDE * SIDE} numbers each."
        )
    if not (np.isin(table[:, 0], np.arange(10)).all() and ((table >= 0) & (table <= 255)).all()):
        raise ValueError(f"{name} must have digits from 0 to 9, and numbers from 0 to 255.")
    table = np.random.default_rng(seed).permutation(table).astype(np.uint8)
    numbers, pictures = table[:, 0], table[:, 1:].reshape(-1, SIDE, SIDE)
    is_held_out = np.arange(len(table)) % HELD_OUT == 0
    return Digits(
        name, pictures[~is_held_out], numbers[~is_held_out], pictures[is_held_out], numbers[is_held_out]
    )


def _small_digits() -> Digits:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    small = load_digits()
    pictures = np.stack([like_mnist((image * 255 / 16).astype(np.uint8)) for image in small.images])
    seen, test, numbers, test_numbers = train_test_split(
        pictures, small.target, test_size=0.2, stratify=small.target, random_state=0
    )
    return Digits("scikit-learn's 1,797 small digits", seen, numbers, test, test_numbers)


def like_mnist(ink: np.ndarray) -> np.ndarray:
    """Bring ink of any size to 28 x 28 as MNIST has it: the longer side 20 pixels, the centre of mass in the middle."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    paper = np.zeros((SIDE, SIDE), np.uint8)
    if not rows.size:
        return paper
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = INK_SIDE / max(cut.shape)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    small = np.asarray(
        Image.fromarray(cut).resize(
            (width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
        )
    )
    total = small.sum(dtype=np.float64)
    middle_y = (small.sum(axis=1) * (np.arange(height) + 0.5)).sum() / total
    middle_x = (small.sum(axis=0) * (np.arange(width) + 0.5)).sum() / total
    top = min(max(round(SIDE / 2 - middle_y), 0), SIDE - height)
    left = min(max(round(SIDE / 2 - middle_x), 0), SIDE - width)
    paper[top : top + height, left : left + width] = small
    return paper
