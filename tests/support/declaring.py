"""Declarations written as text, as an author's file would have them."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import textwrap
from pathlib import Path

from frontdesk.declare.model import Model
from frontdesk.declare.reading import read_task_cards
from frontdesk.declare.shelf import collect
from frontdesk.declare.signature import TaskCard

HEAD = """
from __future__ import annotations
import dataclasses, enum, typing
from typing import Annotated, Any, Literal, Optional, TypedDict
import numpy, PIL.Image
from PIL import Image
import frontdesk as fd
"""

_numbers = itertools.count()


def classes_of(text: str, folder: Path) -> list[type[Model]]:
    """The classes a file of this text declares."""
    name = f"declared_{next(_numbers)}"
    file = folder / f"{name}.py"
    file.write_text(HEAD + textwrap.dedent(text))
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with collect() as classes:
        spec.loader.exec_module(module)
    return classes


def cards_of(text: str, folder: Path) -> tuple[TaskCard, ...]:
    """The cards of a file of this text."""
    return read_task_cards(classes_of(text, folder), "source", None)
