"""From declared classes to task cards: reads what authors wrote, once, and refuses what cannot work.

classes ──> models (without mere bases) ──> signature, training, attributes ──> one card for each task
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from frontdesk.declare.annotations import title_of
from frontdesk.declare.functions import Function, check_predict_batch, read_predict, read_training
from frontdesk.declare.kinds import Choice, Field
from frontdesk.declare.model import Model
from frontdesk.declare.places import Place, place_of, place_of_attribute
from frontdesk.declare.remote import RemoteModel
from frontdesk.declare.resources import Resources
from frontdesk.declare.signature import ModelCard, Signature, TaskCard

_goes_live = re.compile(r"by hand|(?:higher|lower) \S+").fullmatch
_is_name = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?").fullmatch


@dataclass(frozen=True, slots=True)
class _Read:
    """One model, read."""

    model: type[Model]
    predict: Function
    signature: Signature
    card: ModelCard

    @property
    def place(self) -> Place:
        return place_of(self.model) if self.predict.place.file is None else self.predict.place


def read_task_cards(classes: Sequence[type[Model]], source: str, routes: str | None) -> tuple[TaskCard, ...]:
    """The tasks these classes declare, in the order of their first models. Raises DeclarationError."""
    by_task: dict[str, list[_Read]] = {}
    for model in classes:
        if not _is_mere_base(model):
            by_task.setdefault(model.task, []).append(_read(model))
    return tuple(_task_card(name, models, source, routes) for name, models in by_task.items())


def _is_mere_base(model: type[Model]) -> bool:
    """Whether a class is there only for others to build upon."""
    is_incomplete = not model.task or not hasattr(model, "predict")
    return model.__name__.startswith("_") or (is_incomplete and bool(model.__subclasses__()))


def _read(model: type[Model]) -> _Read:
    _check_attributes(model)
    predict, inputs, outputs = read_predict(model)
    check_predict_batch(model, predict, outputs)
    training = read_training(model)
    if model.trains_at_first_start and training is None:
        raise place_of_attribute(model, "trains_at_first_start").error(
            f"{model.__name__} trains at first start but has no `train`.",
            "Write `def train(self, run: fd.Run)`.",
        )
    if not _goes_live(model.goes_live):
        raise place_of_attribute(model, "goes_live").error(
            f"{model.__name__} has goes_live = {model.goes_live!r}.",
            'Write "by hand", "higher accuracy" or "lower loss", with the name of a metric that `train` returns.',
        )
    card = ModelCard(
        name=model.name,
        title=model.title or title_of(model.name),
        description=_description(model),
        training=training or (),
        trains=training is not None,
        trains_at_first_start=model.trains_at_first_start,
        keeps_cancelled=model.keeps_cancelled,
        goes_live=model.goes_live,
        collects=model.collects,
        max_batch=model.max_batch,
        eager=model.eager,
        timeout_s=model.timeout_s,
        memory_mb=model.memory_mb,
        cache_s=model.cache_s,
        resources=model.resources,
    )
    return _Read(model, predict, Signature(inputs=inputs, outputs=outputs), card)


def _check_back_end(model: type[Model]) -> None:
    if not issubclass(model, RemoteModel):
        return
    if bool(model.command) == bool(model.url) or isinstance(model.command, str):
        raise place_of_attribute(model, "command").error(
            f"{model.__name__} does not say where its answers come from.",
            'Write `command = ("node", "server.js")`, or `url = "http://localhost:8100"`, and not both.',
        )


def _check_attributes(model: type[Model]) -> None:
    _check_back_end(model)
    if not model.task:
        raise place_of(model).error(f"{model.__name__} names no task.", 'Write `task = "flowers"`, say.')
    for attribute in ("task", "name"):
        value = getattr(model, attribute)
        if not isinstance(value, str) or not _is_name(value):
            raise place_of_attribute(model, attribute).error(
                f"The {attribute} {value!r} cannot be part of an address.",
                "Use small letters, digits, - and _, at most 64 of them.",
            )
    for attribute, types, least in (
        ("title", str, None), ("default", bool, None), ("eager", bool, None), ("trains_at_first_start", bool, None),
        ("keeps_cancelled", bool, None), ("goes_live", str, None), ("collects", bool, None),
        ("max_batch", int, 1), ("timeout_s", int | float | None, 0), ("memory_mb", int | None, 1),
        ("cache_s", int | float | None, 0),
    ):  # fmt: skip
        value = getattr(model, attribute)
        is_of_type = isinstance(value, types) and (types is bool or not isinstance(value, bool))
        if not is_of_type or (least is not None and value is not None and not (value > 0 and value >= least)):
            raise place_of_attribute(model, attribute).error(
                f"{model.__name__} has {attribute} = {value!r}.",
                "See the table of attributes in the reference of declaring models.",
            )
    _check_resources(model)


def _check_resources(model: type[Model]) -> None:
    is_one = isinstance(model.resources, Resources)
    if not is_one or model.resources.problem:
        raise place_of_attribute(model, "resources").error(
            f"{model.__name__} has resources with {model.resources.problem}."
            if is_one
            else f"{model.__name__} has resources = {model.resources!r}.",
            "Write `resources = fd.Resources(cpus=2, gpus=1, memory_mb=2048)`, with what one copy of it needs.",
        )


def _task_card(name: str, models: list[_Read], source: str, routes: str | None) -> TaskCard:
    first = models[0]
    names: dict[str, _Read] = {}
    for read in models:
        if (known := names.setdefault(read.card.name, read)) is not read:
            raise place_of_attribute(read.model, "name").error(
                f"The task {name} has two models called {read.card.name}, the other in {place_of(known.model)}.",
                "Give one of them another name.",
            )
        if problem := _difference(first, read):
            raise read.place.error(
                f"{read.model.__name__} answers the task {name} but {problem}; see {first.place}.",
                "Give all models of a task the same signature, or name another task.",
            )
    marked = [read for read in models if read.model.default]
    if len(marked) > 1:
        raise place_of_attribute(marked[1].model, "default").error(
            f"The task {name} has two default models, the other in {place_of(marked[0].model)}.",
            "Keep one `default = True`.",
        )
    models = [*marked, *(read for read in models if read not in marked)]
    title, description = _about_task(name, models)
    return TaskCard(
        name=name,
        title=title,
        description=description,
        signature=first.signature,
        models=tuple(read.card for read in models),
        source=source,
        routes=routes,
    )


def _difference(one: _Read, other: _Read) -> str | None:
    """How the signature of `other` differs; where an Enum lives does not matter."""
    ours = {field.name: _portable(field) for field in one.signature.inputs}
    theirs = {field.name: _portable(field) for field in other.signature.inputs}
    for name in [*ours, *theirs]:
        if name not in theirs:
            return f"has no input `{name}`, which {one.model.__name__} has"
        if name not in ours:
            return f"has an input `{name}`, which {one.model.__name__} has not"
        if ours[name] != theirs[name]:
            return f"declares its input `{name}` otherwise than {one.model.__name__}"
    if list(ours) != list(theirs):
        return f"has its inputs in another order than {one.model.__name__}"
    if one.signature.outputs != other.signature.outputs:
        return f"has other outputs than {one.model.__name__}"
    return None


def _portable(field: Field) -> Field:
    if isinstance(field.kind, Choice):
        return msgspec.structs.replace(field, kind=msgspec.structs.replace(field.kind, enum=""))
    return field


def _about_task(name: str, models: list[_Read]) -> tuple[str, str]:
    """Title and description of a task: those of its one model, or of the class all its models build upon."""
    default = models[0].model
    if len(models) == 1:
        return default.title or title_of(name), _description(default)
    for base in default.__mro__[1:]:
        if base is not Model and getattr(base, "task", "") == name:
            return vars(base).get("title", "") or title_of(name), _description(base)
    return title_of(name), _description(default)


def _description(declared: type) -> str:
    """The first paragraph of its own docstring, on one line."""
    text = inspect.cleandoc(vars(declared).get("__doc__") or "")
    return " ".join(text.split("\n\n")[0].split())
