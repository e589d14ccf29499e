"""Everything that crosses the socket between a worker and its carrier, and nothing else.

A frame (see `host.framing`) is an Order or its answer. What an order carries is encoded once by the worker and
decoded by who does it, be that the carrier or an actor on another machine, so Ray sees bytes that it need not
understand.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from frontdesk.catalog.version import Placed
from frontdesk.declare.resources import Resources
from frontdesk.declare.signature import TaskCard
from frontdesk.desk.training import Told
from frontdesk.errors import (
    CallTimeout,
    Fault,
    FileDamaged,
    FrontdeskError,
    HostCrashed,
    HostUnreachable,
    InvalidInput,
    ModelBroken,
    NoAnswer,
    NotFound,
    NotTrained,
    Overloaded,
    PredictFailed,
    SheetFault,
    StoreUnavailable,
)
from frontdesk.host.messages import Message
from frontdesk.run.cluster.shared import SharedStorage
from frontdesk.run.train_messages import Stumbled, Trained, TrainSpec
from frontdesk.store.verified import Kept

ALIVE, END = b"alive", b"end"
"""All that a carrier is told besides orders, a line each."""


class CarrierSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier is told when it starts. `wait_s`: how long work may wait for room on the cluster. After
    `silence_s` without a word of its worker it ends, for then others may have the worker's jobs."""

    address: str
    socket: str
    actors: int
    wait_s: float
    silence_s: float


class CarrierState(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier reports, one JSON line each: whether the cluster is there, and why not."""

    is_up: bool
    reason: str = ""


# ---------------------------------------------------------------------------- frames


class Order(Message, frozen=True, tag=61):
    """Do this. `verb` is one of those of the carrier."""

    id: int
    verb: str
    body: bytes


class Abandon(Message, frozen=True, tag=62):
    """Nobody waits for that order any more."""

    id: int


class Done(Message, frozen=True, tag=71):
    """It is done, and this came of it."""

    id: int
    body: bytes


class Refusal(Message, frozen=True, tag=72):
    """It could not be done: one of our errors, by its name."""

    id: int
    kind: str
    reason: str
    faults: tuple[tuple[str, str], ...] = ()
    retry_after_s: float = 0.0


_KINDS: dict[str, type[FrontdeskError]] = {
    kind.__name__: kind
    for kind in (
        CallTimeout, FileDamaged, HostCrashed, HostUnreachable, ModelBroken, NoAnswer, NotFound, NotTrained,
        Overloaded, PredictFailed, SheetFault, StoreUnavailable,
    )
}  # fmt: skip


def refusal_of(number: int, error: FrontdeskError) -> Refusal:
    """An error on its way."""
    faults = tuple((f.pointer, f.detail) for f in error.faults) if isinstance(error, InvalidInput) else ()
    retry_after_s = getattr(error, "retry_after_s", 0.0)
    return Refusal(number, type(error).__name__, str(error), faults, retry_after_s)


def error_of(refusal: Refusal) -> FrontdeskError:
    """The error that was on its way."""
    if refusal.faults:
        return InvalidInput.of([Fault(*fault) for fault in refusal.faults])
    kind = _KINDS.get(refusal.kind, PredictFailed)
    if kind in (NoAnswer, Overloaded):
        return kind(refusal.reason, refusal.retry_after_s)
    return kind(refusal.reason)


def deliver(message: Done | Refusal, waiting: asyncio.Future[bytes] | None) -> None:
    """Give it to who waits for it, if somebody still does."""
    if waiting is None or waiting.done():
        return
    if isinstance(message, Done):
        waiting.set_result(message.body)
    else:
        waiting.set_exception(error_of(message))


# ---------------------------------------------------------------------------- bodies


class HostOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model to be held ready. `card` has that one model alone; the paths are the same on all nodes.

    Where nodes share a bucket and no folder, `archive` is fetched from what is `shared`; a version from before that
    has none, and lies in its `folder` alone.
    """

    card: TaskCard
    version: int
    id: str = ""
    archive: Kept | None = None
    shared: SharedStorage | None = None
    folder: str
    metrics: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    models_folder: str
    logs_folder: str
    call_timeout_s: float
    queue_limit: int
    memory_mb: int
    pixel_limit: int
    idle_s: float

    @property
    def key(self) -> str:
        """What calls name it by."""
        return f"{self.card.name}/{self.card.models[0].name}/{self.version}"

    @property
    def resources(self) -> Resources:
        """What each copy of it needs."""
        return self.card.models[0].resources


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """A call, for a host that was ordered before. `question` is a Question."""

    key: str
    question: bytes


class Question(msgspec.Struct, frozen=True, array_like=True):
    """What the model is asked; see `HostClient.call`."""

    inputs: dict[str, Any]
    rows: int = 0
    timeout_s: float | None = None


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """What it answered."""

    version: int
    outputs: bytes
    seconds: float


class StreamOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a file from `answered` on, in pieces. `places` says in which column each input stands."""

    host: HostOrder
    sheet: str
    answered: int
    total: int
    places: dict[str, int]


class TrainOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One training. Where nothing is `shared`, the paths of its spec are the same on all nodes."""

    spec: TrainSpec
    resources: Resources
    shared: SharedStorage | None = None


class TrainNews(msgspec.Struct, frozen=True, kw_only=True):
    """What a training said since the last time, and how it is.

    `code` is there once its process has ended and, where that is the node's part, what it learned is `placed`.
    """

    told: Told
    memory_bytes: int
    machine_bytes: int
    wrote_mb: int
    placed: Placed | None
    verdict: Trained | Stumbled | None
    code: int | None
    last_lines: str


class Watch(msgspec.Struct, frozen=True, array_like=True):
    """Ask how a training is; memory is only looked at closely where it may be more than the limit."""

    number: int
    memory_limit: int


class Step(msgspec.Struct, frozen=True, array_like=True):
    """A step of a stream or a training that was begun: its number."""

    number: int


class Kill(msgspec.Struct, frozen=True, array_like=True):
    """End a training, for a reason that its owner shall read."""

    number: int
    cause: str


def encode(body: msgspec.Struct) -> bytes:
    """A body as it travels."""
    return msgspec.msgpack.encode(body)
