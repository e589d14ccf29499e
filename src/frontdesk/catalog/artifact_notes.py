"""What an ONNX file says about itself in its metadata: labels, names of features, how to prepare pictures."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from frontdesk.declare.kinds import Number
from frontdesk.errors import DeclarationError

LABEL_KEYS = ("labels", "classes", "class_names", "names", "id2label")
FEATURE_KEYS = ("features", "feature_names")


class Feature(Number, frozen=True, kw_only=True, omit_defaults=True):
    """One column of a table-like input: a name, and what a Number can say."""

    name: str
    default: float | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """The metadata of one file, read with care: each fault names the key to mend."""

    path: Path
    metadata: Mapping[str, str]

    def text(self, key: str, default: str = "") -> str:
        """One value as it is written."""
        return self.metadata.get(key, default).strip()

    def number(self, key: str, default: float) -> float:
        """One number."""
        return self.numbers(key, (default,))[0]

    def numbers(self, key: str, default: tuple[float, ...]) -> tuple[float, ...]:
        """Numbers as a JSON list, or with commas between."""
        raw = self.text(key)
        if not raw:
            return default
        try:
            return tuple(float(word) for word in raw.strip("[]()").split(","))
        except ValueError:
            raise self.fault(key, "is not a list of numbers") from None

    def choice(self, key: str, options: tuple[str, ...]) -> str:
        """One of these, or nothing."""
        value = self.text(key)
        if value and value not in options:
            raise self.fault(key, f"is none of {', '.join(options)}")
        return value

    def labels(self) -> tuple[str, ...] | None:
        """The names of the classes in order: from the metadata, or from `x.labels.txt` beside `x.onnx`."""
        for key in LABEL_KEYS:
            if raw := self.text(key):
                return self._labels(key, raw)
        beside = labels_file(self.path)
        if beside.is_file():
            return tuple(line.strip() for line in beside.read_text().splitlines() if line.strip())
        return None

    def features(self) -> tuple[Feature, ...]:
        """What is known of the columns, in order; empty when nothing is."""
        for key in FEATURE_KEYS:
            if raw := self.text(key):
                found = _parsed(raw)
                if not isinstance(found, list):
                    found = raw.split(",")
                named = [item if isinstance(item, dict) else {"name": str(item).strip()} for item in found]
                try:
                    return msgspec.convert(named, tuple[Feature, ...])
                except msgspec.ValidationError as error:
                    raise self.fault(key, f"cannot be used: {error}") from None
        return ()

    def fault(self, key: str, problem: str) -> DeclarationError:
        """An error about one key."""
        return DeclarationError(
            f"In its metadata `{key}` {problem}.", "Correct the file's metadata.", str(self.path)
        )

    def _labels(self, key: str, raw: str) -> tuple[str, ...]:
        found = _parsed(raw)
        if isinstance(found, dict):
            try:
                numbered = {int(index): str(name) for index, name in found.items()}
            except ValueError:
                raise self.fault(key, "must map numbers to names") from None
            if sorted(numbered) != list(range(len(numbered))):
                raise self.fault(key, "must number the names from 0 on, leaving none out")
            return tuple(numbered[index] for index in range(len(numbered)))
        if isinstance(found, list):
            return tuple(str(name) for name in found)
        return tuple(word.strip() for word in raw.split("\n" if "\n" in raw else ",") if word.strip())


def labels_file(path: Path) -> Path:
    """Where labels may be written when the file itself has none: one on each line."""
    return path.with_suffix(".labels.txt")


def identifier(name: str, taken: set[str]) -> str:
    """A Python name like this one, and like none of those taken; it is taken from then on."""
    base = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "value"
    if base[0].isdigit():
        base = f"x_{base}"
    chosen, number = base, 2
    while chosen in taken:
        chosen, number = f"{base}_{number}", number + 1
    taken.add(chosen)
    return chosen


def _parsed(raw: str) -> Any:
    """What JSON or, as some exporters write it, a Python literal says; None when it is neither."""
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(raw)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None
