"""From the input tensors of an ONNX file to what a visitor is asked, and back to tensors."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Protocol

import numpy as np
from msgspec import structs
from PIL import Image as Pictures

from frontdesk.catalog.artifact_notes import Feature, Notes, identifier
from frontdesk.catalog.artifact_pictures import Recipe, recipe_of
from frontdesk.catalog.onnx import Array, Tensor
from frontdesk.declare.kinds import Boolean, Drawing, Image, Integer, Kind, Number, Series, Text
from frontdesk.errors import DeclarationError, InvalidInput

_FIELDS_LIMIT = 32
_CANVAS_LIMIT = 32


class InputPlan(Protocol):
    """How one input tensor is asked for.

    `stacks` says whether the rows of several calls can be put into one tensor; `note` is for the description.
    """

    tensor: Tensor
    parameters: list[inspect.Parameter]
    stacks: bool
    note: str

    def row(self, values: Mapping[str, Any]) -> Array:
        """The tensor of one call."""
        ...

    def sample(self, numbers: np.random.Generator) -> Array:
        """A tensor to try the network with."""
        ...


def plan_inputs(tensors: tuple[Tensor, ...], notes: Notes) -> list[InputPlan]:
    """One plan for each input of the file."""
    taken: set[str] = {"self"} | set(keyword.kwlist)
    return [_plan(tensor, notes, taken, alone=len(tensors) == 1) for tensor in tensors]


def _plan(tensor: Tensor, notes: Notes, taken: set[str], *, alone: bool) -> InputPlan:
    if tensor.type is None:
        raise _unusable(tensor, notes, f"is a {tensor.declared}")
    if tensor.type != np.object_ and (recipe := recipe_of(tensor, notes)):
        return PictureInput(tensor, recipe, taken, alone=alone)
    rest = tensor.shape[1:] if _has_rows(tensor) else tensor.shape
    if rest.count(None) > 1:
        raise _unusable(tensor, notes, f"has {rest.count(None)} dimensions of unknown length")
    known = [size for size in rest if size is not None]
    width = prod(known) if len(known) == len(rest) else None
    features = notes.features() if alone else ()
    if features and width is not None and len(features) != width:
        raise notes.fault("features", f"names {len(features)} columns where the network takes {width}")
    if width == 1 or (width is not None and width <= _FIELDS_LIMIT and (alone or tensor.type == np.object_)):
        return FieldsInput(tensor, rest, features, taken)
    if tensor.type == np.object_:
        raise _unusable(tensor, notes, "is a table of text of unknown or great width")
    return SeriesInput(tensor, rest, width, taken)


def _has_rows(tensor: Tensor) -> bool:
    """Whether its first dimension counts rows. One that is fixed to more than 1 is part of the value."""
    if tensor.rank == 0 or tensor.shape[0] not in (None, 1):
        return False
    return tensor.rank > 1 or tensor.shape[0] is None or tensor.shape == (1,)


def _unusable(tensor: Tensor, notes: Notes, problem: str) -> DeclarationError:
    return DeclarationError(
        f"Its input {tensor.name} {problem}, which no form can ask for.",
        "Write a small class around it, with `fd.OnnxSession` in it.",
        str(notes.path),
    )


def _parameter(
    name: str, python: Any, kind: Kind, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[python, kind]
    )


class FieldsInput:
    """A few values, a field for each: the columns of a table."""

    note = ""

    def __init__(
        self, tensor: Tensor, rest: tuple[int | None, ...], features: tuple[Feature, ...], taken: set[str]
    ) -> None:
        self.tensor, self.stacks = tensor, _has_rows(tensor)
        self._rest = [size or 1 for size in rest]
        width = prod(self._rest)
        if not features:
            names = [tensor.name] if width == 1 else [f"{tensor.name}_{n + 1}" for n in range(width)]
            features = tuple(Feature(name=name) for name in names)
        self.parameters = [self._field(feature, taken) for feature in features]

    def row(self, values: Mapping[str, Any]) -> Array:
        row = np.array([values[p.name] for p in self.parameters], dtype=self.tensor.type)
        return row.reshape([1, *self._rest] if self.stacks else self._rest)

    def sample(self, numbers: np.random.Generator) -> Array:
        width = len(self.parameters)
        drawn = [""] * width if self.tensor.type == np.object_ else numbers.uniform(0, 8, width)
        return (
            np.array(drawn).astype(self.tensor.type).reshape([1, *self._rest] if self.stacks else self._rest)
        )

    def _field(self, feature: Feature, taken: set[str]) -> inspect.Parameter:
        name = identifier(feature.name, taken)
        title = feature.title or feature.name.replace("_", " ").capitalize()
        kind: Kind
        python, kind, default = _kind(self.tensor, feature, title)
        if feature.default is None:
            return _parameter(name, python, kind)
        return _parameter(name, python, kind, default)


def _kind(tensor: Tensor, feature: Feature, title: str) -> tuple[type, Kind, Any]:
    assert tensor.type is not None
    told = feature.help
    if tensor.type == np.object_:
        return str, Text(title=title, help=told), ""
    if tensor.type == np.bool_:
        return bool, Boolean(title=title, help=told), bool(feature.default)
    if np.issubdtype(tensor.type, np.integer):
        limits = np.iinfo(tensor.type)
        lowest = None if limits.min == -(2**63) else int(limits.min)
        highest = None if limits.max >= 2**63 - 1 else int(limits.max)
        ge = lowest if feature.ge is None else int(feature.ge)
        le = highest if feature.le is None else int(feature.le)
        step = None if feature.step is None else int(feature.step)
        integer = Integer(title=title, help=told, ge=ge, le=le, step=step, unit=feature.unit, log=feature.log)
        return int, integer, int(feature.default or 0)
    number = Number(
        title=title,
        help=told,
        ge=feature.ge,
        le=feature.le,
        gt=feature.gt,
        lt=feature.lt,
        step=feature.step,
        unit=feature.unit,
        log=feature.log,
    )
    return float, number, float(feature.default or 0)


class SeriesInput:
    """Many numbers in a row; those of a tensor with more dimensions row by row."""

    def __init__(
        self, tensor: Tensor, rest: tuple[int | None, ...], width: int | None, taken: set[str]
    ) -> None:
        self.tensor, self._rest, self._width = tensor, rest, width
        self._has_rows = _has_rows(tensor)
        self.stacks = self._has_rows and width is not None
        self._name = identifier(tensor.name, taken)
        shape = " × ".join("any" if size is None else str(size) for size in rest)
        self.note = f"{tensor.name} has the shape {shape}, written row by row." if len(rest) > 1 else ""
        title = tensor.name.replace("_", " ").capitalize()
        kind = Series(title=title, help=self.note)
        if width is not None:
            kind = structs.replace(kind, min_length=width, max_length=width)
        self.parameters = [_parameter(self._name, list[float], kind)]

    def row(self, values: Mapping[str, Any]) -> Array:
        given = np.asarray(values[self._name], dtype=np.float64)
        assert self.tensor.type is not None
        if np.issubdtype(self.tensor.type, np.integer) and not np.array_equal(given, np.trunc(given)):
            raise InvalidInput(self._name, "Only whole numbers are taken here.")
        inner = prod(size or 1 for size in self._rest)
        if given.size % inner:
            raise InvalidInput(self._name, f"The count of numbers must be a multiple of {inner}.")
        shape = [-1 if size is None else size for size in self._rest]
        return given.astype(self.tensor.type).reshape([1, *shape] if self._has_rows else shape)

    def sample(self, numbers: np.random.Generator) -> Array:
        assert self.tensor.type is not None
        shape = [size or 4 for size in self._rest]
        return numbers.uniform(0, 2, [1, *shape] if self._has_rows else shape).astype(self.tensor.type)


class PictureInput:
    """A picture, or a drawing where the network takes a small grey square."""

    def __init__(self, tensor: Tensor, recipe: Recipe, taken: set[str], *, alone: bool) -> None:
        self.tensor, self._recipe = tensor, recipe
        self.stacks = tensor.rank == 4 or tensor.shape[0] is None
        is_drawing = recipe.channels == "L" and recipe.width == recipe.height <= _CANVAS_LIMIT
        self._name = identifier(("drawing" if is_drawing else "image") if alone else tensor.name, taken)
        self.note = recipe.sentence()
        title = "" if alone else tensor.name.replace("_", " ").capitalize()
        if is_drawing:
            canvas = Drawing(width=recipe.width, height=recipe.height, title=title, help=self.note)
            self.parameters = [_parameter(self._name, np.ndarray, canvas)]
        else:
            mode = "L" if recipe.channels == "L" else "RGB"
            picture = Image(mode=mode, title=title, help=self.note)
            self.parameters = [_parameter(self._name, Pictures.Image, picture)]

    def row(self, values: Mapping[str, Any]) -> Array:
        return self._tensor(values[self._name])

    def sample(self, numbers: np.random.Generator) -> Array:
        size = (self._recipe.height, self._recipe.width)
        shape = size if self._recipe.channels == "L" else (*size, 3)
        return self._tensor(Pictures.fromarray(numbers.integers(0, 256, shape, dtype=np.uint8)))

    def _tensor(self, picture: Pictures.Image | Array) -> Array:
        return self._recipe.tensor(picture).astype(self.tensor.type)[np.newaxis]
