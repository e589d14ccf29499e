"""`python -m frontdesk.run.train_process FD`: trains one model once, and says how it goes.

The author's code has the main thread. What it reports goes into a spool. One thread sends how far it is, a few times a
second; another waits for orders.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.metadata
import os
import select
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

import frontdesk
from frontdesk.catalog.learning import Learned
from frontdesk.declare.training import DataSet, Run, plain_metrics
from frontdesk.declare.values import to_python
from frontdesk.errors import FrontdeskError
from frontdesk.host.framing import append_frame
from frontdesk.host.loading import find_model
from frontdesk.host.messages import Message
from frontdesk.host.parent import end_whole_group, end_with_parent, first_line, own_descriptors
from frontdesk.run.spool import SpoolWriter
from frontdesk.run.train_messages import CANCEL, Progressed, Stumbled, Trained, TrainSpec

_PAUSE_S = 0.2
_NICENESS = 5
_PACKAGE = Path(frontdesk.__file__).parent


def main() -> None:
    """Train as told."""
    control_fd, report_fd = own_descriptors(int(sys.argv[1]))
    end_with_parent()
    faulthandler.enable()
    _stand_back()
    spec = msgspec.json.decode(first_line(control_fd), type=TrainSpec)
    teller = Teller(report_fd, control_fd, SpoolWriter(Path(spec.spool)), spec.silence_s)
    teller.start()
    try:
        metrics, profile = _train(spec, teller)
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the author's code does, say so
        traceback.print_exception(type(error), error, _authors_part(error))
        teller.finish(Stumbled(_sentence(error)))
        sys.exit(1)
    teller.finish(Trained(metrics, libraries(), profile))


def _train(spec: TrainSpec, teller: Teller) -> tuple[dict[str, Any], bytes]:
    model, task, card = find_model(Path(spec.source), spec.task, spec.model)
    chosen = DataSet(spec.data_name, Path(spec.data), spec.data_sha256) if spec.data else None
    run = Run(
        Path(spec.folder), Path(spec.checkpoints), Path(spec.models_folder), spec.seed, chosen, teller
    )  # fmt: skip
    teller.learned = Learned(task.signature.inputs)
    parameters = to_python(card.training, spec.parameters)
    metrics = plain_metrics(model.train(run, **parameters) or {})
    return metrics, teller.learned.encoded(chosen.path if chosen else None)


def _stand_back() -> None:
    """Answers come before training; and when memory is short, this is what the system shall end."""
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _authors_part(error: BaseException) -> TracebackType | None:
    """Where the traceback enters the author's code; all of it, should it never."""
    at = error.__traceback__
    while at is not None and Path(at.tb_frame.f_code.co_filename).is_relative_to(_PACKAGE):
        at = at.tb_next
    return at or error.__traceback__


def _sentence(error: BaseException) -> str:
    if isinstance(error, FrontdeskError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def libraries() -> dict[str, str]:
    """The installed packages whose modules are loaded, with their versions, and Python's own."""
    loaded = {name.partition(".")[0] for name in list(sys.modules)}
    found = {"python": sys.version.split()[0]}
    for module, packages in importlib.metadata.packages_distributions().items():
        if module in loaded:
            found |= {package: importlib.metadata.version(package) for package in packages}
    return found


class Teller:
    """Hears the author's code: points go into the spool at once, how far it is goes out a few times a second."""

    def __init__(self, report_fd: int, control_fd: int, spool: SpoolWriter, silence_s: float) -> None:
        self._report_fd, self._control_fd, self._silence_s = report_fd, control_fd, silence_s
        self.report = spool.append  # as it is, for it may be called in each step of a training
        self._progress: Progressed | None = None
        self._over = threading.Event()
        self._sending = threading.Lock()
        self.cancelled = False
        self.learned = Learned(())

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._send_on, name="teller", daemon=True).start()
        threading.Thread(target=self._heed, name="orders", daemon=True).start()

    def progress(self, done: int, total: int, message: str) -> None:
        """Only the latest counts."""
        self._progress = Progressed(int(done), int(total), str(message)[:200])

    def log(self, text: str) -> None:
        """The log is what is printed."""
        print(text, flush=True)  # noqa: T201

    def learned_from(self, inputs: Mapping[str, Any], answers: Any) -> None:
        """Look at it now: the author's code may change it afterwards."""
        self.learned.hear(inputs, answers)

    def finish(self, verdict: Message) -> None:
        """Send what is left, and how it ended."""
        self._over.set()
        sys.stdout.flush()
        sys.stderr.flush()
        self._send(verdict)

    def _send_on(self) -> None:
        while not self._over.wait(_PAUSE_S):
            self._send()

    def _send(self, verdict: Message | None = None) -> None:
        with self._sending:
            progress, self._progress = self._progress, None
            data = bytearray()
            for message in (progress, verdict):
                if message is not None:
                    append_frame(data, message)
            view = memoryview(data)
            while view:
                view = view[os.write(self._report_fd, view) :]

    def _heed(self) -> None:
        """End with the worker: when it is gone, and when it sleeps for so long that another may have its job."""
        while select.select([self._control_fd], [], [], self._silence_s)[0]:
            order = os.read(self._control_fd, 4096)
            if not order:
                break
            if CANCEL in order:
                self.cancelled = True
        end_whole_group()


if __name__ == "__main__":
    main()
