"""Everything that crosses the two kinds of socket around a host, and nothing else.

A frame is a 4-byte big-endian length and that many bytes of MessagePack: one of these, tagged.

Call socket (client <-> host process), one per host:
    client sends Call, Cancel; host sends Begun, Answer, Refused, Failed, Dropped, Leaving.
Control socket (client <-> supervisor), one per installation:
    client sends Ensure, Follow, Kill, Restart, Survey, ReadLog; supervisor sends Located, Done, Surveyed, LogRead.
"""

from __future__ import annotations

from typing import Any

import msgspec

FRAME_LIMIT_BYTES = 256 * 2**20


class Message(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Base of all messages: small arrays on the wire, the tag first."""


# ------------------------------------------------------------------ call socket: to the host


class Call(Message, frozen=True, tag=1):
    """Answer this. A `solo` call runs in a batch of its own and is announced by Begun:
    it is one that was in flight when a host died, so it may be the one that killed it.

    With `rows`, it is that many questions at once: `inputs` has a list for each input, and the outputs of the
    Answer are a RowsAnswer. Such a call has a batch of its own, too.
    """

    id: int
    inputs: dict[str, Any]
    solo: bool = False
    rows: int = 0


class RowsAnswer(msgspec.Struct, frozen=True, gc=False):
    """What came of the first `rows` of many questions: columns, and by place the reason where there is no answer.

    A model that takes its time answers some of them, so that others have their turn; the rest is asked again.
    """

    columns: dict[str, list[Any]]
    faults: dict[int, str]
    rows: int


class Cancel(Message, frozen=True, tag=2):
    """Nobody waits for this call any more. A host that has not begun it drops it and says Dropped;
    one that has says Begun; one that says neither is stuck."""

    id: int


# ---------------------------------------------------------------- call socket: from the host


class Begun(Message, frozen=True, tag=11):
    """A solo call is about to run, or a call that was to be cancelled has run for `seconds`."""

    id: int
    seconds: float = 0.0


class Answer(Message, frozen=True, tag=12):
    """The outputs as JSON, ready to be spliced into a response, and how long the model's code took."""

    id: int
    outputs: bytes
    seconds: float


class Refused(Message, frozen=True, tag=13):
    """The inputs cannot be answered: pairs of JSON pointer and reason."""

    id: int
    faults: tuple[tuple[str, str], ...]


class Failed(Message, frozen=True, tag=14):
    """The model's code raised. `reason` is for everybody; the traceback is in the host's log.

    With `retry_after_s` it was not the code: the back end of a remote model does not answer.
    """

    id: int
    reason: str
    retry_after_s: float = 0.0


class Dropped(Message, frozen=True, tag=15):
    """The cancelled call was never begun and never will be."""

    id: int


class Leaving(Message, frozen=True, tag=16):
    """This host ends once it has answered what it was sent. The client sends no more, and closes
    its sending side; so the host knows when nothing more is on its way."""


# -------------------------------------------------------------------------- control socket


class Ensure(Message, frozen=True, tag=21):
    """Where does this model version live? Starts it if need be. `version` 0 means the live one."""

    id: int
    task: str
    model: str
    version: int = 0


class Located(Message, frozen=True, tag=22):
    """It lives behind `socket`, as version `version`; or it does not, and `state` and `reason` say why.

    `generation` grows with every restart, so a Kill meant for a dead process cannot hit its successor.
    `state` is one of HostStatus, or `unknown` when there is no such model or version. `timeout_s` is
    the model's own, where it declares one.
    """

    id: int
    socket: str
    version: int
    generation: int
    state: str
    reason: str = ""
    timeout_s: float | None = None


class Kill(Message, frozen=True, tag=23):
    """End this host now: a call in it outlived its deadline or was cancelled while running."""

    id: int
    task: str
    model: str
    version: int
    generation: int
    reason: str


class Restart(Message, frozen=True, tag=24):
    """Try a broken or running model afresh (an administrator asked)."""

    id: int
    task: str
    model: str


class Follow(Message, frozen=True, tag=30):
    """Another version was made live: let it answer now. The reply comes once it does, or cannot."""

    id: int
    task: str
    model: str


class Done(Message, frozen=True, tag=25):
    """The Kill, Follow or Restart was carried out, or was already pointless."""

    id: int


class Survey(Message, frozen=True, tag=26):
    """What hosts are there?"""

    id: int


class HostStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One host as the status pane shows it.

    `state`: stopped, starting, training, ready, backing_off, untrained or broken.
    """

    task: str
    model: str
    version: int
    state: str
    reason: str = ""
    pid: int = 0
    memory_bytes: int = 0
    calls: int = 0
    restarts: int = 0
    since: float = 0.0


class Surveyed(Message, frozen=True, tag=27):
    """Every host the supervisor knows."""

    id: int
    hosts: tuple[HostStatus, ...]


class ReadLog(Message, frozen=True, tag=28):
    """The end of what a model's code printed."""

    id: int
    task: str
    model: str
    limit_bytes: int = 65_536


class LogRead(Message, frozen=True, tag=29):
    """The end of that host's log, as text."""

    id: int
    text: str


ToHost = Call | Cancel
FromHost = Begun | Answer | Refused | Failed | Dropped | Leaving
ToSupervisor = Ensure | Follow | Kill | Restart | Survey | ReadLog
FromSupervisor = Located | Done | Surveyed | LogRead


class HostSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a host process is told, as one JSON line on its standard input, before it loads anything.

    A later line there asks it to drain, and the end of the input says that its supervisor is gone.
    """

    source: str
    task: str
    model: str
    socket: str
    models_folder: str
    version: int
    version_folder: str
    metrics: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    train_first: bool = False
    max_batch: int = 32
    pixel_limit: int = 50_000_000


class HostReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a host process says back, one JSON line each on the file descriptor it was given:
    `trained` (with metrics and parameters), `ready`, `untrained` or `failed` (with the reason), and
    then, now and again, `alive`: how many calls it has answered, how many it has in hand, and why
    it cannot answer just now."""

    event: str
    reason: str = ""
    calls: int = 0
    in_hand: int = 0
    metrics: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    profile: bytes = b""
