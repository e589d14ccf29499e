"""How inputs are distributed: what a version learned from, and what it is asked, in the same bins.

A number is binned at the tenths of what was learned from, a choice by its options. A text counts by its length and a
drawing by how dark it is; of pictures, files, tables and series nothing is known here.
"""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from frontdesk.declare.kinds import AnyKind, Boolean, Choice, Drawing, Field, Integer, Number, Text

BINS = 10
INPUTS_MOST = 60
_OPTIONS_MOST = 50
_CLASSES_MOST = 100
_LABEL_CHARACTERS = 100
OTHERS = "…"
"""Where all that is too rare for a bin of its own is counted."""


class Numbers(msgspec.Struct, frozen=True, kw_only=True, tag="numbers"):
    """Bins between `edges`, the first and the last open at their ends. `of` says what was measured."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    of: str = "value"

    def places(self, values: Sequence[Any]) -> list[int]:
        """The bin of each."""
        return [int(place) for place in np.searchsorted(self.edges, values, side="right")]

    @property
    def labels(self) -> list[str]:
        """The bins in words."""
        edges = [f"{edge:.4g}" for edge in self.edges]
        if not edges:
            return ["all"]
        between = [f"{low} to {high}" for low, high in itertools.pairwise(edges)]
        return [f"below {edges[0]}", *between, f"{edges[-1]} and more"]


class Options(msgspec.Struct, frozen=True, kw_only=True, tag="options"):
    """A bin for each option, and the last for all others."""

    options: tuple[str, ...]
    counts: tuple[int, ...]

    def places(self, values: Sequence[Any]) -> list[int]:
        """The bin of each."""
        known = {option: place for place, option in enumerate(self.options)}
        return [known.get(str(value), len(self.options)) for value in values]

    @property
    def labels(self) -> list[str]:
        """The bins in words."""
        return [*self.options, OTHERS]


InputProfile = Numbers | Options


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a version learned from: how many examples, and the distribution of each input and of the answers.

    `source` says whence it is known: from the author's training, from the chosen file, or from the first questions.
    """

    id: str
    source: str
    count: int
    inputs: Mapping[str, InputProfile]
    classes: Mapping[str, int] = {}


def profile(
    fields: Iterable[Field], columns: Mapping[str, Sequence[Any]], answers: Sequence[Any] | None,
    *, profile_id: str, source: str,
) -> Profile | None:  # fmt: skip
    """The profile of these examples, a column for each input; None where nothing can be said of any of them."""
    inputs: dict[str, InputProfile] = {}
    count = 0
    for field in list(fields)[:INPUTS_MOST]:
        values = columns.get(field.name)
        if values is None:
            continue
        known = [told for told in (summary(field.kind, value) for value in values) if told is not None]
        if known:
            inputs[field.name] = _input(field.kind, known)
            count = max(count, len(values))
    classes = top_counts(Counter(map(str, answers if answers is not None else ())))
    if not inputs and not classes:
        return None
    count = max(count, sum(classes.values()))
    return Profile(id=profile_id, source=source, count=count, inputs=inputs, classes=classes)


def summary(kind: AnyKind, value: Any) -> float | str | None:
    """What of a value is counted: a number or a word; None where nothing is."""
    match kind:
        case Number() | Integer() if isinstance(value, int | float | np.number):
            return float(value)
        case Boolean():
            return "yes" if value else "no"
        case Choice():
            return str(getattr(value, "value", value))
        case Text() if isinstance(value, str):
            return float(len(value))
        case Drawing() if not isinstance(value, bytes):
            return float(np.mean(np.asarray(value, dtype=np.float64))) / 255
    return None


def measure(kind: AnyKind) -> str:
    """What `summary` measures of this kind, in words; empty where it is nothing."""
    match kind:
        case Number() | Integer() | Boolean() | Choice():
            return "value"
        case Text():
            return "length in characters"
        case Drawing():
            return "share of ink"
    return ""


def top_counts(counts: Mapping[str, int], most: int = _CLASSES_MOST) -> dict[str, int]:
    """The most frequent of them; the rest is counted together."""
    ranked = sorted(counts.items(), key=lambda item: (item[0] == OTHERS, -item[1], item[0]))
    top = {label[:_LABEL_CHARACTERS]: count for label, count in ranked[:most]}
    rest = sum(count for _, count in ranked[most:])
    return top | ({OTHERS: top.get(OTHERS, 0) + rest} if rest else {})


def _input(kind: AnyKind, known: list[float | str]) -> InputProfile:
    if isinstance(known[0], str):
        counts = Counter(map(str, known))
        options = tuple(kind.options if isinstance(kind, Choice) else ("no", "yes"))[:_OPTIONS_MOST]
        told = [counts.get(option, 0) for option in options]
        return Options(options=options, counts=(*told, len(known) - sum(told)))
    values = [float(value) for value in known]
    edges = _edges(values)
    numbers = Numbers(edges=edges, counts=(), of=measure(kind))
    places = Counter(numbers.places(values))
    counts_by_place = tuple(places.get(place, 0) for place in range(len(edges) + 1))
    return msgspec.structs.replace(numbers, counts=counts_by_place)


def _edges(values: list[float]) -> tuple[float, ...]:
    """Where the bins meet. Few different values get a bin each; otherwise every bin holds about a tenth."""
    different = sorted(set(values))
    if len(different) <= BINS:
        return tuple(statistics.fmean(pair) for pair in itertools.pairwise(different))
    cuts = np.quantile(np.asarray(values), np.linspace(0, 1, BINS + 1)[1:-1])
    # A cut at the least value would leave a bin below it that nothing was learned in.
    return tuple(sorted({float(cut) for cut in cuts if cut > different[0]}))


def encoded(known: Profile) -> bytes:
    """As a row keeps it."""
    return msgspec.msgpack.encode(known)


_decoder = msgspec.msgpack.Decoder(Profile)


def decoded(data: bytes) -> Profile:
    """What a row keeps."""
    return _decoder.decode(data)
