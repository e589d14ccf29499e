"""From the return annotation of `predict` to the outputs of a task."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, Required, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from frontdesk.declare.annotations import family_of, is_class, spelt, title_of, unwrapped
from frontdesk.declare.outputs import (
    SINGLE,
    AnyOutput,
    Classification,
    ClassificationOut,
    ImageOut,
    JsonOut,
    Output,
    OutputKind,
    TableOut,
    TableValue,
    TextOut,
    Value,
    ValueOut,
)
from frontdesk.declare.places import Place

_KNOWN = "fd.Classification, fd.Value, float, int, str, PIL.Image.Image, fd.TableValue, dict, list or fd.Json"


def read_outputs(annotation: Any, place: Place) -> tuple[Output, ...]:
    """The outputs of a return annotation. Raises DeclarationError that points at `place`."""
    bare, trimmings, nullable = unwrapped(annotation)
    members = None if trimmings else _members(bare, place)
    if members is None:
        return (Output(kind=_kind("The answer", bare, trimmings, nullable, place)),)
    if not members:
        raise place.error(f"{spelt(bare)} has no fields.", "Give it one for each output.")
    if list(members) == [SINGLE]:
        raise place.error(
            f"{spelt(bare)} has the one field `{SINGLE}`.",
            "Return the value itself; it is called so by itself.",
        )
    outputs = []
    for name, member in members.items():
        kind = _kind(f"The output `{name}`", *unwrapped(member), place)
        outputs.append(Output(name=name, kind=kind, title=title_of(name)))
    return tuple(outputs)


def _members(bare: Any, place: Place) -> Mapping[str, Any] | None:
    """The fields of a group of outputs by name; None if it is no group."""
    if is_typeddict(bare):
        hints = get_type_hints(bare, include_extras=True)
        if bare.__optional_keys__:
            names = ", ".join(sorted(bare.__optional_keys__))
            raise place.error(f"{spelt(bare)} may lack {names}.", "Make every output required.")
        return {name: _required(hint) for name, hint in hints.items()}
    if dataclasses.is_dataclass(bare) and bare not in (Value, TableValue):
        hints = get_type_hints(bare, include_extras=True)
        return {field.name: hints[field.name] for field in dataclasses.fields(bare)}
    return None


def _required(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint


def _kind(what: str, bare: Any, trimmings: tuple[Any, ...], nullable: bool, place: Place) -> AnyOutput:
    natural = _natural(bare)
    given = [trimming for trimming in trimmings if isinstance(trimming, OutputKind)]
    if given and isinstance(given[-1], JsonOut):
        return given[-1]
    if natural is None:
        raise place.error(f"{what} has the type {spelt(bare)}, which is no kind of output.", f"Use {_KNOWN}.")
    if nullable:
        raise place.error(f"{what} may be None.", "Always answer, or use fd.Json.")
    if not given:
        return natural
    if type(given[-1]) is not type(natural):
        raise place.error(
            f"{what} has the type {spelt(bare)} but is marked {type(given[-1]).__name__}.", "Make them agree."
        )
    try:
        kind: AnyOutput = msgspec.convert(msgspec.to_builtins(given[-1]), AnyOutput)
    except msgspec.ValidationError as error:
        raise place.error(f"{what} is marked wrongly: {error}.", "Mend it.") from None
    return kind


def _natural(bare: Any) -> AnyOutput | None:
    if bare is Classification:
        return ClassificationOut()
    if bare in (Value, float, int):
        return ValueOut()
    if bare is str or (get_origin(bare) is Literal and family_of(bare) == "choice"):
        return TextOut()
    if is_class(bare, "PIL.Image", "Image"):
        return ImageOut()
    if bare is TableValue:
        return TableOut()
    if (get_origin(bare) or bare) in (dict, list, bool, tuple, Any, object, Mapping):
        return JsonOut()
    if is_typeddict(bare) or (dataclasses.is_dataclass(bare) and isinstance(bare, type)):
        return JsonOut()
    return None
