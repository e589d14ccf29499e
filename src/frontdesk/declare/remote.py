"""A model whose code is elsewhere, in whatever language: its signature is declared here, its answers come over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frontdesk.declare.model import Model
from frontdesk.declare.training import Run


class RemoteModel(Model):
    """Name a `command` that starts a server, or the `url` of one that runs; declare `predict` without code.

    `train`, where it is declared, is carried out there, too, with what `examples` returns. What the server must
    answer is in docs/how-to/answer-from-another-language.md.

    `command` is started in the folder of the Python file. After `fails_before_pause` calls in a row without an
    answer the server is left alone for `pause_s` seconds, then twice as long, up to a minute.
    """

    command: Sequence[str] = ()
    url: str = ""
    starts_within_s: float = 10.0
    answers_within_s: float = 5.0
    fails_before_pause: int = 3
    pause_s: float = 1.0

    def examples(self, run: Run) -> Mapping[str, Any]:
        """What to learn from, as JSON has it: a list for each column, say. Nothing: the server has data of its own."""
        return {}
