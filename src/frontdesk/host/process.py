"""`python -m frontdesk.host.process FD`: loads one version of one model and answers calls.

Standard input brings the HostSpec and later orders, FD takes reports, and what the model prints
goes to its log. The model has the main thread; see `reception` for the other one.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
import traceback

import msgspec

from frontdesk.errors import NotTrained
from frontdesk.host.answering import Answering, sentence
from frontdesk.host.batching import Client
from frontdesk.host.loading import load, train
from frontdesk.host.messages import Begun, HostReport, HostSpec, Message
from frontdesk.host.parent import end_with_parent, first_line, own_descriptors
from frontdesk.host.reception import Reception
from frontdesk.host.ties import Ties


def main() -> None:
    """Be a host until told to drain."""
    control_fd, report_fd = own_descriptors(int(sys.argv[1]))
    end_with_parent()
    faulthandler.enable()
    spec = msgspec.json.decode(first_line(control_fd), type=HostSpec)
    reception = Reception(spec.socket, control_fd, report_fd)
    reception.start()

    def ended(reason: str) -> None:
        reception.report(HostReport(event="failed", reason=reason))
        os._exit(1)

    try:
        if spec.train_first:
            reception.report(train(spec))
            return
        answering = load(spec, Ties(ailing=reception.note_ailment, ended=ended))
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


if __name__ == "__main__":
    main()
