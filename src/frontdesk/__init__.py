"""frontdesk puts trained models in front of people and programs. All an author needs is here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from frontdesk.declare.kinds import (
    Boolean,
    Choice,
    Drawing,
    File,
    Image,
    Integer,
    Number,
    Series,
    Table,
    Text,
)
from frontdesk.declare.model import Model, Version, task
from frontdesk.declare.outputs import (
    Classification,
    ClassificationOut,
    Interval,
    Json,
    TableValue,
    Value,
    ValueOut,
)
from frontdesk.declare.remote import RemoteModel
from frontdesk.declare.resources import Resources
from frontdesk.declare.routes import RouteRequest, RouteResponse, Routes
from frontdesk.declare.training import Confusion, DataSet, Metrics, Run
from frontdesk.errors import InvalidInput, NotTrained

if TYPE_CHECKING:
    from frontdesk.catalog.onnx import OnnxSession

__all__ = [
    "Boolean",
    "Choice",
    "Classification",
    "ClassificationOut",
    "Confusion",
    "DataSet",
    "Drawing",
    "File",
    "Image",
    "Integer",
    "Interval",
    "InvalidInput",
    "Json",
    "Metrics",
    "Model",
    "NotTrained",
    "Number",
    "OnnxSession",
    "RemoteModel",
    "Resources",
    "RouteRequest",
    "RouteResponse",
    "Routes",
    "Run",
    "Series",
    "Table",
    "TableValue",
    "Text",
    "Value",
    "ValueOut",
    "Version",
    "task",
]

_LAZY = {"OnnxSession": "frontdesk.catalog.onnx"}
"""Names that bring something heavy with them, and the modules that have them."""


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
