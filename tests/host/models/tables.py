"""Tasks for tables as people have them: real ones, and one that takes any table at all."""

from __future__ import annotations

from typing import Annotated, Literal

import frontdesk as fd


class Anything(fd.Model):
    """Needs no column; answers with the length of a note where there is one."""

    task = "anything"

    def predict(self, note: Annotated[str | None, fd.Text(title="A note nobody has")] = None) -> str:
        return str(len(note or ""))


class Wine(fd.Model):
    """Reads columns that are called by the titles of its inputs."""

    task = "wine_quality"

    def predict(
        self,
        alcohol: Annotated[float, fd.Number(ge=0, le=100)],
        volatile_acidity: Annotated[float, fd.Number(ge=0)],
    ) -> fd.Value:
        quality = alcohol / 2 - volatile_acidity
        return fd.Value(quality, interval=fd.Interval(quality - 1, quality + 1, 0.9))


class Diamond(fd.Model):
    """Takes a choice and two numbers."""

    task = "diamond"

    def predict(
        self, carat: float, cut: Literal["Fair", "Good", "Very Good", "Premium", "Ideal"], depth: float
    ) -> fd.Classification:
        share = min(1.0, carat / 5)
        return fd.Classification({"dear": share, "cheap": 1 - share})


class Passenger(fd.Model):
    """Takes a table in which cells are empty."""

    task = "passenger"

    def predict(self, age: Annotated[float, fd.Number(ge=0, le=120)], alone: bool) -> float:
        return age * (2 if alone else 1)
