"""Everything that crosses the pipes of a training process, and nothing else.

The worker writes a TrainSpec as one JSON line, `alive` as another every second, and `cancel` when nobody wants the
result any more; the end of that pipe, or `silence_s` without a word, says that the worker is gone. The process answers
with frames (see `host.framing`) of the messages below. What it prints arrives on a third pipe, and the points of its
curves in files (see `spool`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from frontdesk.host.messages import Message


class TrainSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to train, with what, and where to put it. `data` is the path of a data set, empty for the author's own.

    Machines that share a bucket and no folder fetch and save by `job`, `token` and `data_file`, the id of the data set.
    """

    source: str
    task: str
    model: str
    parameters: dict[str, Any]
    seed: int
    folder: str
    checkpoints: str
    spool: str
    models_folder: str
    silence_s: float = 15.0
    data: str = ""
    data_name: str = ""
    data_sha256: str = ""
    data_bytes: int = 0
    data_file: str = ""
    job: str = ""
    token: int = 0


class Progressed(Message, frozen=True, tag=52):
    """How far it is; `total` 0 means that nobody knows."""

    done: int
    total: int
    message: str


class Trained(Message, frozen=True, tag=53):
    """It returned: what it measured, the libraries it had loaded, and the profile of what it learned from."""

    metrics: dict[str, Any]
    libraries: dict[str, str]
    profile: bytes = b""


class Stumbled(Message, frozen=True, tag=54):
    """The author's code raised; the traceback is in the log."""

    reason: str


FromTraining = Progressed | Trained | Stumbled
CANCEL, ALIVE = b"cancel", b"alive"
