"""From one annotated parameter to one field."""

from __future__ import annotations

import enum
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from frontdesk.declare.checking import check_value
from frontdesk.declare.faults import Faults
from frontdesk.declare.kinds import (
    AnyKind,
    Boolean,
    Choice,
    Drawing,
    Field,
    File,
    Image,
    Integer,
    Kind,
    Number,
    Series,
    Table,
    Text,
)
from frontdesk.declare.limits import problem_of_kind
from frontdesk.declare.places import Place

MISSING: Any = object()
"""Stands for a default that is not there."""

_NATURAL: Mapping[str, tuple[type[AnyKind], ...]] = {
    "float": (Number,),
    "int": (Integer,),
    "bool": (Boolean,),
    "str": (Text, Choice),
    "choice": (Choice,),
    "bytes": (File,),
    "picture": (Image,),
    "array": (Drawing,),
    "numbers": (Series,),
    "rows": (Table,),
    "any": (Image, Drawing, Table, Series),
}
"""The kinds a Python type can stand for; the first is what it means on its own."""

_WRITE: Mapping[type[Kind], str] = {
    Number: "float",
    Integer: "int",
    Boolean: "bool",
    Choice: "str, Literal[...] or an Enum of strings",
    Text: "str",
    Image: "PIL.Image.Image",
    Drawing: "numpy.ndarray",
    File: "bytes",
    Table: "list[dict[str, Any]]",
    Series: "list[float]",
}


def read_field(name: str, annotation: Any, default: Any, place: Place) -> Field:
    """The field of a parameter called `name`. Raises DeclarationError that points at `place`."""
    return _Reader(name, place).field(annotation, default)


def unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """An annotation without its trimmings: the bare type, what was `Annotated`, whether None is allowed too."""
    trimmings: tuple[Any, ...] = ()
    nullable = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *extra = get_args(annotation)
            trimmings = (*extra, *trimmings)
        elif get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
            nullable = True
            rest = [member for member in get_args(annotation) if member is not type(None)]
            annotation = Union[tuple(rest)]  # noqa: UP007  made at run time
        else:
            return annotation, trimmings, nullable


def family_of(bare: Any) -> str | None:
    """What a bare Python type is to us, by its name in _NATURAL; None if it is nothing we know."""
    if bare in (float, int, bool, str, bytes):
        return str(bare.__name__)
    if bare in (Any, object):
        return "any"
    origin, arguments = get_origin(bare), get_args(bare)
    if origin is Literal or (isinstance(bare, type) and issubclass(bare, enum.Enum)):
        return "choice"
    if is_class(bare, "PIL.Image", "Image"):
        return "picture"
    if is_class(origin or bare, "numpy", "ndarray"):
        return "array"
    if origin in (list, Sequence) and arguments:
        return _family_of_list(unwrapped(arguments[0])[0])
    return None


def _family_of_list(element: Any) -> str | None:
    if element is float:
        return "numbers"
    is_row = element is dict or get_origin(element) in (dict, Mapping) or is_typeddict(element)
    return "rows" if is_row else None


def is_class(candidate: Any, module: str, name: str) -> bool:
    """Whether it is that class of another library, without importing the library to know."""
    return getattr(candidate, "__module__", "") == module and getattr(candidate, "__name__", "") == name


class _Reader:
    def __init__(self, name: str, place: Place) -> None:
        self.name, self.place = name, place

    def field(self, annotation: Any, default: Any) -> Field:
        bare, trimmings, nullable = unwrapped(annotation)
        kind = self._normal(self._kind(bare, trimmings))
        if kind.title == "":
            kind = msgspec.structs.replace(kind, title=title_of(self.name))
        if default is MISSING:
            return Field(name=self.name, kind=kind, nullable=nullable)
        if default is None and not nullable:
            raise self._error(
                "defaults to None, which its type does not allow.", "Write `... | None = None`."
            )
        field = Field(name=self.name, kind=kind, required=False, nullable=nullable)
        return msgspec.structs.replace(field, default=self._default(field, default))

    def _kind(self, bare: Any, trimmings: tuple[Any, ...]) -> AnyKind:
        for trimming in (bare, *trimmings):
            if isinstance(trimming, type) and issubclass(trimming, Kind):
                write = f"Annotated[{_WRITE[trimming]}, fd.{trimming.__name__}()]"
                raise self._error(
                    f"is annotated with the bare class fd.{trimming.__name__}.", f"Write {write}."
                )
        kinds = [trimming for trimming in trimmings if isinstance(trimming, AnyKind)]
        if len(kinds) > 1:
            raise self._error("has several kinds.", "Keep one of them.")
        family = family_of(bare)
        if family is None:
            raise self._unknown(bare)
        natural = _NATURAL[family]
        if not kinds:
            if family in ("array", "any"):
                raise self._error(
                    f"is of type {spelt(bare)}, which does not say what it is.",
                    "Write Annotated[numpy.ndarray, fd.Drawing()], say.",
                )
            return self._completed(natural[0](), bare)
        (kind,) = kinds
        if type(kind) not in natural:
            name = type(kind).__name__
            raise self._error(
                f"is fd.{name} but has the type {spelt(bare)}.",
                f"Write Annotated[{_WRITE[type(kind)]}, fd.{name}(...)].",
            )
        return self._completed(kind, bare)

    def _unknown(self, bare: Any) -> Exception:
        if isinstance(bare, types.ModuleType):
            return self._error("is annotated with a module.", "Write PIL.Image.Image, say, the class in it.")
        if get_origin(bare) in (Union, types.UnionType):
            return self._error(
                f"can be one of several types ({spelt(bare)}).", "Choose one; `| None` makes it optional."
            )
        return self._error(
            f"has the type {spelt(bare)}, which no kind of input stands for.",
            f"Use {', '.join(dict.fromkeys(_WRITE.values()))}.",
        )

    def _completed(self, kind: AnyKind, bare: Any) -> AnyKind:
        """The kind with what only the Python type says: a choice's options, a table's columns."""
        if (
            isinstance(kind, Table)
            and not kind.columns
            and get_args(bare)
            and is_typeddict(row := get_args(bare)[0])
        ):
            return msgspec.structs.replace(kind, columns=self._columns(row))
        return self._with_options(kind, bare)

    def _columns(self, row: Any) -> dict[str, Any]:
        columns = {}
        for name, annotation in get_type_hints(row, include_extras=True).items():
            column = _Reader(f"{self.name}.{name}", self.place).field(annotation, MISSING)
            if column.nullable or not isinstance(column.kind, Number | Integer | Boolean | Choice | Text):
                raise self._error(
                    f"has a column `{name}` of type {spelt(annotation)}.",
                    "Use float, int, bool, str or Literal[...].",
                )
            columns[name] = msgspec.structs.replace(column.kind, title=title_of(name))
        return columns

    def _with_options(self, kind: AnyKind, bare: Any) -> AnyKind:
        place = ""
        if get_origin(bare) is Literal:
            options = get_args(bare)
        elif isinstance(bare, type) and issubclass(bare, enum.Enum):
            options = tuple(member.value for member in bare)
            place = f"{bare.__module__}:{bare.__qualname__}"
        else:
            return kind
        assert isinstance(kind, Choice)
        if not all(isinstance(option, str) for option in options):
            raise self._error("has options that are not strings.", "Write them as strings.")
        if kind.options and kind.options != options:
            raise self._error(
                "has options that differ from those of its type.", "Leave them out of fd.Choice(...)."
            )
        return msgspec.structs.replace(kind, options=options, enum=place)

    def _normal(self, kind: AnyKind) -> AnyKind:
        """The kind with every attribute of the right type, as it will come back from JSON."""
        try:
            normal: AnyKind = msgspec.convert(msgspec.to_builtins(kind), AnyKind)
        except (msgspec.ValidationError, TypeError) as error:
            raise self._error(
                f"has an fd.{type(kind).__name__} that is wrong: {error}.", "Mend it."
            ) from None
        if problem := problem_of_kind(normal):
            raise self._error(*problem)
        return normal

    def _default(self, field: Field, default: Any) -> Any:
        if default is None:
            return None
        if isinstance(field.kind, Image | Drawing | File):
            raise self._error(
                "has a default, which a file cannot have.", "Write `... | None = None`, or none at all."
            )
        if isinstance(default, enum.Enum):
            default = default.value
        if isinstance(default, tuple):
            default = list(default)
        faults = Faults()
        wire = check_value(field, default, "", faults)
        for fault in faults.found:
            at = f" at {fault.pointer}" if fault.pointer else ""
            raise self._error(
                f"has a default that it would refuse itself{at}: {fault.detail}",
                "Change the default or the limit.",
            )
        return wire

    def _error(self, problem: str, mend: str) -> Exception:
        return self.place.error(f"`{self.name}` {problem}", mend)


def title_of(name: str) -> str:
    """What people read for a name: `sepal_length` is "Sepal length"."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def spelt(annotation: Any) -> str:
    """An annotation as an author would write it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")
