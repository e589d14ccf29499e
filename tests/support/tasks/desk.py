"""One input of each sort that a command line has to put into words."""

from __future__ import annotations

import time
from typing import Annotated, Literal

from PIL import Image

import frontdesk as fd


@fd.task
def sign(
    text: str = "open",
    loud: bool = False,
    size: Literal["small", "large"] = "small",
    note: str | None = "",
    model: str = "T",
) -> str:
    """What stands on the sign."""
    return f"{text.upper() if loud else text}, {size}, {note!r}, {model}"


@fd.task
def brightness(
    picture: Annotated[Image.Image, fd.Image()], factor: float = 1.0
) -> Annotated[float, fd.ValueOut(unit="%")]:
    """How bright a picture is."""
    return factor * sum(picture.convert("L").resize((1, 1)).getdata()) / 2.55


@fd.task
def total(rows: Annotated[list[dict[str, float | int | str | bool | None]], fd.Table()]) -> fd.TableValue:
    """The sum of each column."""
    return fd.TableValue(["column", "sum"], [[name, sum(row[name] for row in rows)] for name in rows[0]])


@fd.task
def slow(pause_s: Annotated[float, fd.Number(ge=0, le=60)] = 0.0, fails: bool = False) -> dict:
    """Takes its time."""
    time.sleep(pause_s)
    if fails:
        raise RuntimeError("as it was told to")
    return {"slept_s": pause_s}
