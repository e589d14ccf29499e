"""What a model is: a class with a task, something to load, and a typed `predict`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, overload

from frontdesk.declare.resources import Resources
from frontdesk.declare.training import Metrics


@dataclass(frozen=True, slots=True)
class Version:
    """One set of weights. Training wrote `folder`; downloads are in `models_folder`."""

    number: int
    folder: Path
    models_folder: Path
    metrics: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


class Model:
    """Subclass it, name the `task`, and write `predict` with annotations: they are the task's signature.

    `predict_batch` (a list for each argument in, a list of answers out) and `train(self, run, ...)` are optional.
    A class whose name starts with an underscore, or that only others build upon, is no model of its own.
    """

    task: str = ""
    name: str = ""
    title: str = ""
    default: bool = False
    max_batch: int = 32
    eager: bool = False
    timeout_s: float | None = None
    memory_mb: int | None = None
    cache_s: float | None = None
    resources: Resources = Resources()
    trains_at_first_start: bool = False
    keeps_cancelled: bool = False
    goes_live: str = "by hand"
    collects: bool = True

    predict: Callable[..., Any]
    train: Callable[..., Metrics | None]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls):
            cls.name = name_of(cls.__name__)
        if (shelf := open_shelf.get()) is not None:
            shelf.append(cls)

    def load(self, version: Version) -> None:
        """Get ready to answer. Raise `NotTrained` where there is nothing to load."""


open_shelf: ContextVar[list[type[Model]] | None] = ContextVar("open_shelf", default=None)
"""Where classes are put as they are declared; see `declare.shelf`."""

F = TypeVar("F", bound=Callable[..., Any])


@overload
def task(function: F, /) -> F: ...
@overload
def task(**attributes: Any) -> Callable[[F], F]: ...
def task(function: F | None = None, /, **attributes: Any) -> F | Callable[[F], F]:
    """Make a task of a plain function, as it stands or with attributes of a Model: `@fd.task(title="Clock")`."""

    def declare(function: F) -> F:
        name = name_of(function.__name__)
        members = {"task": name, "name": name, "predict": staticmethod(function), **attributes}
        for inherited in ("__doc__", "__module__", "__qualname__"):
            members[inherited] = getattr(function, inherited)
        type(function.__name__.lstrip("_"), (Model,), members)
        return function

    return declare if function is None else declare(function)


def name_of(identifier: str) -> str:
    """The name in addresses of what is called so in Python: `WordList` is `word_list`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", identifier)
    return words.lower().strip("_")
