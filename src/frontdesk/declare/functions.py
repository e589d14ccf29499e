"""From an author's functions to fields and outputs: `predict`, `predict_batch` and `train`."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable, Sequence
from typing import Any, Literal, get_args, get_origin

from frontdesk.declare.annotations import MISSING, read_field, spelt, unwrapped
from frontdesk.declare.kinds import BINARY_KINDS, Drawing, Field, Series, Table
from frontdesk.declare.model import Model
from frontdesk.declare.outputs import Output, is_single
from frontdesk.declare.places import Place, place_of, place_of_attribute, place_of_parameter
from frontdesk.declare.returns import read_outputs
from frontdesk.declare.training import Run

_LISTS = (list, Sequence, Iterable)


class Function:
    """One method, or the plain function that stands for one, with its annotations resolved."""

    def __init__(self, model: type[Model], name: str, *, may_gather: bool = False) -> None:
        found = inspect.getattr_static(model, name)
        function = found.__func__ if isinstance(found, staticmethod | classmethod) else found
        if not inspect.isroutine(function):
            raise place_of_attribute(model, name).error(
                f"`{name}` is no function.", f"Write `def {name}(self, ...)`."
            )
        self.name, self.call = name, function
        self.place = place_of(function)
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise self.place.error(
                f"`{name}` is asynchronous or a generator.",
                "Make it a plain function; calls are batched already.",
            )
        parameters = list(inspect.signature(function).parameters.values())
        if not isinstance(found, staticmethod):
            self._check_bound(parameters)
            parameters = parameters[1:]
        self.gathers = may_gather and any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        self.parameters = [p for p in parameters if not (self.gathers and p.kind is p.VAR_KEYWORD)]
        for parameter in self.parameters:
            self._check_passable(parameter)
        self.hints = self._resolved()

    def _check_bound(self, parameters: list[inspect.Parameter]) -> None:
        if not parameters or parameters[0].annotation is not inspect.Parameter.empty:
            raise self.place.error(f"`{self.name}` has no `self`.", f"Write `def {self.name}(self, ...)`.")

    def where(self, parameter: str) -> Place:
        """The line of a parameter."""
        return place_of_parameter(self.call, parameter)

    def fields(self, parameters: Iterable[inspect.Parameter]) -> tuple[Field, ...]:
        """One field for each of these parameters."""
        return tuple(self._field(parameter) for parameter in parameters)

    def _field(self, parameter: inspect.Parameter) -> Field:
        name, place = parameter.name, self.where(parameter.name)
        if name.startswith("_"):
            raise place.error(f"`{name}` starts with an underscore.", f"Call it `{name.lstrip('_') or 'x'}`.")
        if name not in self.hints:
            raise place.error(
                f"`{name}` has no annotation.",
                f"Write `{name}: float`, say, or `{name}: Annotated[float, fd.Number(...)]`.",
            )
        default = MISSING if parameter.default is parameter.empty else parameter.default
        return read_field(name, self.hints[name], default, place)

    def _check_passable(self, parameter: inspect.Parameter) -> None:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise self.where(parameter.name).error(
                f"`{self.name}` takes `{parameter}`, which cannot be passed by name.",
                "Name each input, without * and /.",
            )

    def _resolved(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(self.call, include_extras=True)
        except Exception as error:  # noqa: BLE001  evaluating an annotation runs an author's code
            raise self.place.error(
                f"The annotations of `{self.name}` cannot be read: {error}.",
                "Import what they name, outside of `if TYPE_CHECKING`.",
            ) from None


def read_predict(model: type[Model]) -> tuple[Function, tuple[Field, ...], tuple[Output, ...]]:
    """The signature of a model, which is that of its `predict`."""
    if not hasattr(model, "predict"):
        raise place_of(model).error(
            f"{model.__name__} has no `predict`.", "Write `def predict(self, ...) -> ...` with annotations."
        )
    predict = Function(model, "predict")
    if "return" not in predict.hints:
        raise predict.place.error("`predict` has no return annotation.", "Write `-> fd.Classification`, say.")
    outputs = read_outputs(predict.hints["return"], predict.place)
    return predict, predict.fields(predict.parameters), outputs


def check_predict_batch(model: type[Model], predict: Function, outputs: tuple[Output, ...]) -> None:
    """Refuse a `predict_batch` that does not agree with `predict`: the same names, lists instead of values.

    It may gather columns as `**columns`; then it has to name none of them.
    """
    if not hasattr(model, "predict_batch"):
        return
    batch = Function(model, "predict_batch", may_gather=True)
    names = [parameter.name for parameter in predict.parameters]
    given = [parameter.name for parameter in batch.parameters]
    if not set(given) <= set(names) or (len(given) < len(names) and not batch.gathers):
        raise batch.place.error(
            f"`predict_batch` takes {_listed(given)}, but `predict` takes {_listed(names)}.",
            "Give both the same parameters.",
        )
    for name in given:
        if name in batch.hints:
            _check_list(batch, name, unwrapped(predict.hints[name])[0])
    if "return" in batch.hints and is_single(outputs):
        element = _element(batch.hints["return"])
        if element is None or (element is not Any and read_outputs(element, batch.place) != outputs):
            wanted = spelt(predict.hints["return"])
            raise batch.place.error(
                f"`predict_batch` returns {spelt(batch.hints['return'])}, but `predict` returns {wanted}.",
                f"Return list[{wanted}].",
            )


def _check_list(batch: Function, name: str, single: Any) -> None:
    element = _element(batch.hints[name])
    agreeing = (single, Any, str) if get_origin(single) is Literal else (single, Any)
    if element is None or unwrapped(element)[0] not in agreeing:
        raise batch.where(name).error(
            f"`{name}` of `predict_batch` is {spelt(batch.hints[name])}, but in `predict` it is {spelt(single)}.",
            f"Write `{name}: list[{spelt(single)}]`: it is given one for each call.",
        )


def _element(annotation: Any) -> Any:
    """What a list is a list of; Any where it does not say; None where it is no list."""
    bare = unwrapped(annotation)[0]
    if bare is list:
        return Any
    arguments = get_args(bare)
    return arguments[0] if get_origin(bare) in _LISTS and arguments else None


def read_training(model: type[Model]) -> tuple[Field, ...] | None:
    """The parameters of `train`; None where a model does not train."""
    if not hasattr(model, "train"):
        return None
    train = Function(model, "train")
    if not train.parameters or train.hints.get(train.parameters[0].name, Run) is not Run:
        raise train.place.error(
            "`train` does not begin with the run.", "Write `def train(self, run: fd.Run, ...)`."
        )
    fields = train.fields(train.parameters[1:])
    for field in fields:
        if field.required:
            raise train.where(field.name).error(
                f"The training parameter `{field.name}` has no default.",
                "Give it one: the form starts from it.",
            )
        if isinstance(field.kind, (*BINARY_KINDS, Drawing, Table, Series)):
            raise train.where(field.name).error(
                f"The training parameter `{field.name}` is no single value.",
                "Use float, int, bool, str or a choice.",
            )
    return fields


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
