"""`python -m frontdesk.catalog.describe_process`: an Order comes in on standard input, what was found goes out."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec
from msgspec import structs

from frontdesk.catalog.artifact_notes import labels_file
from frontdesk.catalog.describe import Described, Order, Refused
from frontdesk.catalog.gallery import Gallery
from frontdesk.catalog.loading import is_network, load_models
from frontdesk.catalog.stamps import Recorder, fingerprint, stamp_of
from frontdesk.catalog.thumbs import make_thumb
from frontdesk.declare.model import Model
from frontdesk.declare.reading import read_task_cards
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import DeclarationError


def main() -> None:
    """Read one source and say what it declares."""
    # What the author's code prints must not mix with the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    said: Described | Refused
    try:
        said = _read(order)
        _make_thumbs(order, said.cards)
    except DeclarationError as error:
        said = Refused(problem=error.problem, mend=error.mend, file=error.file, line=error.line)
    with open(answer, "wb") as out:  # noqa: PTH123  a descriptor has no path
        out.write(msgspec.json.encode(said))
    # The author's threads and exit handlers have nothing to say to us.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _read(order: Order) -> Described:
    source = Path(order.source)
    recorder = Recorder()
    classes = load_models(source)
    stamps = recorder.stamps()
    if is_network(source):
        cards = _cards_of_network(classes, order)
        stamps |= {str(file): stamp_of(file) for file in (source, labels_file(source))}
        root, files = source.parent, [source]
    else:
        cards = read_task_cards(classes, order.source, order.routes)
        root = source if source.is_dir() else source.parent
        files = [file for file in recorder.modules() if file.is_relative_to(root)]
    code = fingerprint(files, root)
    return Described(cards=tuple(_with_code(card, code) for card in cards), stamps=stamps)


def _cards_of_network(classes: list[type[Model]], order: Order) -> tuple[TaskCard, ...]:
    """The card of a network. What is wrong with it was written into the file, not into our code that made the class."""
    try:
        return read_task_cards(classes, order.source, order.routes)
    except DeclarationError as error:
        mend = "Correct the file's metadata."
        raise DeclarationError(error.problem, mend, order.source) from error


def _with_code(card: TaskCard, code: str) -> TaskCard:
    models = tuple(structs.replace(model, code_sha256=code) for model in card.models)
    return structs.replace(card, models=models)


def _make_thumbs(order: Order, cards: tuple[TaskCard, ...]) -> None:
    gallery = Gallery(Path(order.models_folder), Path(order.thumbs_folder))
    for card in cards:
        for picture, limits in gallery.without_thumb(card):
            make_thumb(picture, limits)


if __name__ == "__main__":
    main()
