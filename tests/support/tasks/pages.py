"""Tasks whose pages have something to show: every kind of field and output, and every state of a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, TypedDict

import numpy as np
from PIL import Image

import frontdesk as fd

MENDED = Path(os.environ.get("FRONTDESK_TEST_MENDED", "/nonexistent"))


class Seen(TypedDict):
    size: str
    again: Image.Image


@fd.task(title="What is in it?")
def look(picture: Annotated[Image.Image, fd.Image(gallery="pictures")]) -> Seen:
    """Says how large a picture is and which colour its middle has."""
    red, green, blue = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))  # type: ignore[misc]
    colour = "red" if red > max(green, blue) else "green" if green > blue else "blue"
    return {"size": f"{picture.width} x {picture.height}, {colour}", "again": picture.resize((16, 16))}


@fd.task
def ink(drawing: Annotated[np.ndarray, fd.Drawing(width=28, height=28)]) -> float:
    """Says how much of the paper is inked."""
    return float((drawing > 127).mean())


@fd.task
def length() -> Annotated[fd.Value, fd.ValueOut(unit="cm")]:
    """Knows how sure it is."""
    samples = [float(sample) for sample in np.random.default_rng(1).normal(12.3456789, 0.5, 200)]
    return fd.Value(12.3456789, interval=fd.Interval(11.4, 13.3, 0.95), samples=samples)


@fd.task(title="Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz")
def law(rows: Annotated[int, fd.Integer(ge=0, le=9)] = 0, word: str = "") -> fd.TableValue:
    """Has a long name, and as many rows as it is told, with nothing in one of their cells."""
    return fd.TableValue(["number", "word"], [[number, word or None] for number in range(rows)])


class _Opinion(fd.Model):
    """Three who do not agree."""

    task = "opinions"
    says = "yes"

    def predict(self, question: str = "Will it rain?") -> fd.Classification:
        rest = {"yes": 0.1, "no": 0.1, "perhaps": 0.1}
        return fd.Classification(rest | {self.says: 0.8})


class Optimist(_Opinion):
    """Says yes."""

    title = "Optimist"


class Pessimist(_Opinion):
    """Says no."""

    title = "Pessimist"
    says = "no"


class Cheerful(_Opinion):
    """Says yes, too, and gives twenty draws."""

    title = "Cheerful"

    def predict(self, question: str = "Will it rain?") -> fd.Classification:
        draws = np.random.default_rng(2).dirichlet([8, 1, 1], 20)
        return fd.Classification(labels=["yes", "no", "perhaps"], samples=draws)


@fd.task
def everything(
    amount: Annotated[float, fd.Number(ge=0, le=1, unit="g", help="Between none and all.")] = 0.5,
    count: Annotated[int, fd.Integer(ge=1)] = 3,
    loud: bool = False,
    colour: Literal["red", "green"] = "red",
    name: str = "Ada",
    story: Annotated[str, fd.Text(lines=4)] = "",
    values: Annotated[list[float], fd.Series(max_length=9)] = (1.0, 2.0),  # type: ignore[assignment]
    rows: Annotated[list[dict], fd.Table()] | None = None,
    attachment: Annotated[bytes, fd.File(accept=(".txt",))] | None = None,
) -> fd.TableValue:
    """Has a field of every kind."""
    given = [amount, count, loud, colour, name, story, values, rows, len(attachment or b"")]
    return fd.TableValue(
        ["field", "value"], [[str(number), str(value)] for number, value in enumerate(given)]
    )


class Untrained(fd.Model):
    """Has nothing to load yet."""

    task = "untrained"

    def load(self, version: fd.Version) -> None:
        raise fd.NotTrained("There are no weights yet. Run: make weights")

    def predict(self, x: float = 1.0) -> float:
        return x


class Broken(fd.Model):
    """Cannot be loaded until somebody mends it."""

    task = "broken"

    def load(self, version: fd.Version) -> None:
        print("looking for the weights")
        if not MENDED.exists():
            raise RuntimeError("the weights are of the wrong shape")

    def predict(self, x: float = 1.0) -> float:
        return x
