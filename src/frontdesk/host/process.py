"""`python -m frontdesk.host.process FD`: loads one version of one model and answers calls.

Standard input brings the HostSpec and later orders, FD takes reports, and what the model prints
goes to its log. The model has the main thread; see `reception` for the other one.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import io
import os
import signal
import sys
import traceback

import msgspec

from frontdesk.errors import NotTrained
from frontdesk.host.answering import Answering, sentence
from frontdesk.host.batching import Client
from frontdesk.host.loading import load, train
from frontdesk.host.messages import Begun, HostReport, HostSpec, Message
from frontdesk.host.reception import Reception

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Be a host until told to drain."""
    control_fd, report_fd = _own_descriptors(int(sys.argv[1]))
    _end_with_parent()
    faulthandler.enable()
    spec = msgspec.json.decode(_first_line(control_fd), type=HostSpec)
    reception = Reception(spec.socket, control_fd, report_fd)
    reception.start()
    try:
        if spec.train_first:
            reception.report(train(spec))
            return
        answering = load(spec)
    except NotTrained as error:
        reception.report(HostReport(event="untrained", reason=str(error)))
        return
    except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the author's code does, say so
        traceback.print_exc()
        reception.report(HostReport(event="failed", reason=sentence(error)))
        sys.exit(1)
    # What was loaded stays for good: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    reception.report(HostReport(event="ready"))
    _serve(answering, reception)


def _serve(answering: Answering, reception: Reception) -> None:
    """Answer until the line is closed."""
    line = reception.line
    proven = False
    while batch := line.take(answering.max_batch):
        if batch[0].solo:
            # Before anything else: if this call ends the process, its sender knows that it did.
            client, call_id = batch[0].key
            client.send([Begun(call_id)])
        answers: dict[Client, list[Message]] = {}
        for call, outcome in zip(batch, answering.answer(batch), strict=True):
            answers.setdefault(call.key[0], []).append(outcome)
        for client, messages in answers.items():
            client.send(messages)
        line.finished(batch)
        if not proven:  # at once, so that a crash at the next call is not taken for one in a row
            proven = True
            reception.report_alive()


def _own_descriptors(report_fd: int) -> tuple[int, int]:
    """Keep control and reports to ourselves: neither `input()` nor a process of the model's may have them."""
    control_fd = os.dup(0)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123  pathlib is not loaded yet for any other reason
        os.dup2(nothing.fileno(), 0)
    os.set_inheritable(report_fd, False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # the log shows a line when it is printed
    return control_fd, report_fd


def _end_with_parent() -> None:
    """Have the system end us with our supervisor, even while native code holds Python's lock.

    Elsewhere than on Linux the reception notices, which needs that lock."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _first_line(fd: int) -> bytes:
    """Read no further than the line: what follows is for the reception."""
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := os.read(fd, 1)):
            sys.exit("frontdesk: the supervisor was gone before it said what to load")
        line += byte
    return line


if __name__ == "__main__":
    main()
