"""Finding what a file declares: while a shelf is open, every model class made puts itself there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from frontdesk.declare.model import Model, open_shelf


@contextmanager
def collect() -> Iterator[list[type[Model]]]:
    """The classes declared while the block runs, in order: `with collect() as classes: import_module(...)`."""
    classes: list[type[Model]] = []
    token = open_shelf.set(classes)
    try:
        yield classes
    finally:
        open_shelf.reset(token)
