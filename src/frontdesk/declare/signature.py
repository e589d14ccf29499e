"""The records that say what a task is: plain data, safe to send anywhere and to keep as JSON.

They are read once from the author's annotations (`declare.reading`) in a process of its own,
so that the web process knows every task without importing a line of model code.
"""

from __future__ import annotations

import msgspec

from frontdesk.declare.kinds import Field
from frontdesk.declare.outputs import Output
from frontdesk.declare.resources import Resources


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What goes in and what comes out. All models of a task share it."""

    inputs: tuple[Field, ...]
    outputs: tuple[Output, ...]


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """One way of answering a task, as declared."""

    name: str
    title: str
    description: str = ""
    training: tuple[Field, ...] = ()
    trains: bool = False
    trains_at_first_start: bool = False
    keeps_cancelled: bool = False
    goes_live: str = "by hand"
    collects: bool = True
    max_batch: int = 32
    eager: bool = False
    timeout_s: float | None = None
    memory_mb: int | None = None
    cache_s: float | None = None
    resources: Resources = Resources()
    code_sha256: str = ""


class TaskCard(msgspec.Struct, frozen=True, kw_only=True):
    """One task and its models; the first model is the default. `source` is the file or folder it was read from."""

    name: str
    title: str
    description: str = ""
    signature: Signature
    models: tuple[ModelCard, ...]
    source: str
    routes: str | None = None

    def model(self, name: str | None) -> ModelCard | None:
        """The model of that name, the default one for None, None if there is no such model."""
        if name is None:
            return self.models[0]
        return next((card for card in self.models if card.name == name), None)
