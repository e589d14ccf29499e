"""Knowing every task without importing a line of model code.

Each source is read in a process of its own, which ends afterwards, and what it said is remembered
until something that it was read from changes: a second start reads a few small files and starts nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from frontdesk.catalog.gallery import Gallery
from frontdesk.catalog.loading import is_network, python_file, routes_file
from frontdesk.catalog.stamps import identity, still_so
from frontdesk.declare.prepared import prepare_structs
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import DeclarationError

_TIMEOUT_S = 180.0
_TOLD_LINES = 8


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a describing process is told."""

    source: str
    routes: str | None
    models_folder: str
    thumbs_folder: str


class Described(msgspec.Struct, frozen=True, kw_only=True, tag="described"):
    """What it found, and the stamps of all it was read from."""

    cards: tuple[TaskCard, ...]
    stamps: dict[str, str]


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """A DeclarationError, as data."""

    problem: str
    mend: str
    file: str | None
    line: int | None


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the cache."""

    identity: str
    order: Order
    described: Described


def describe(sources: Sequence[Path], cache_folder: Path, models_folder: Path) -> dict[str, TaskCard]:
    """The tasks of all these sources by name, in their order."""
    cards_folder, thumbs_folder = cache_folder / "cards", cache_folder / "thumbs"
    for folder in (cards_folder, thumbs_folder):
        folder.mkdir(parents=True, exist_ok=True)
    orders = [
        _order(source, models_folder, thumbs_folder)
        for source in dict.fromkeys(source.absolute() for source in sources)
    ]
    mine = identity()
    prepare_structs()
    with ThreadPoolExecutor(os.cpu_count()) as several:
        found = list(several.map(lambda order: _cards(order, cards_folder, mine), orders))
    tasks: dict[str, TaskCard] = {}
    for card in (card for cards in found for card in cards):
        if card.name in tasks:
            raise DeclarationError(
                f"The task {card.name} is declared in {tasks[card.name].source} and in {card.source}.",
                "Give one of them another name, or declare all its models in one place.",
            )
        tasks[card.name] = card
    return tasks


def _order(source: Path, models_folder: Path, thumbs_folder: Path) -> Order:
    if not is_network(source):
        python_file(source)  # what cannot be served is said before a process is started for it
    routes = routes_file(source)
    return Order(
        source=str(source),
        routes=str(routes) if routes.is_file() else None,
        models_folder=str(models_folder.absolute()),
        thumbs_folder=str(thumbs_folder.absolute()),
    )


def _cards(order: Order, cards_folder: Path, mine: str) -> tuple[TaskCard, ...]:
    memory = cards_folder / f"{hashlib.sha256(order.source.encode()).hexdigest()[:24]}.json"
    remembered = _recall(memory)
    if (
        remembered is None
        or (remembered.identity, remembered.order) != (mine, order)
        or not still_so(remembered.described.stamps)
        or _lacks_thumbs(order, remembered.described.cards)
    ):
        remembered = _Remembered(identity=mine, order=order, described=_described(order))
        _remember(memory, remembered)
    return remembered.described.cards


def _recall(memory: Path) -> _Remembered | None:
    try:
        return msgspec.json.decode(memory.read_bytes(), type=_Remembered)
    except (OSError, msgspec.MsgspecError):  # nothing yet, or written by another version of frontdesk
        return None


def _remember(memory: Path, remembered: _Remembered) -> None:
    part = memory.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):  # without a memory the next start is slower, that is all
        part.write_bytes(msgspec.json.encode(remembered))
        part.replace(memory)


def _lacks_thumbs(order: Order, cards: tuple[TaskCard, ...]) -> bool:
    gallery = Gallery(Path(order.models_folder), Path(order.thumbs_folder))
    return any(gallery.without_thumb(card) for card in cards)


def _described(order: Order) -> Described:
    """Ask a process of its own."""
    command = [sys.executable, "-P", "-m", "frontdesk.catalog.describe_process"]
    try:
        done = subprocess.run(
            command,
            input=msgspec.json.encode(order),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeclarationError(
            f"Importing {order.source} took longer than {_TIMEOUT_S:.0f} s.",
            "Move what takes long into `load`.",
        ) from None
    try:
        said = msgspec.json.decode(done.stdout, type=Described | Refused)
    except msgspec.MsgspecError:
        told = "\n".join(done.stderr.decode(errors="replace").strip().splitlines()[-_TOLD_LINES:])
        raise DeclarationError(
            f"The process that imported {order.source} ended with code {done.returncode}.",
            f"Import it in Python yourself to see why. It said:\n{told}" if told else "It said nothing.",
        ) from None
    if isinstance(said, Refused):
        raise DeclarationError(said.problem, said.mend, said.file, said.line)
    return said
