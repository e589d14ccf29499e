"""`python -m frontdesk.cli.child`: what a child process of `frontdesk serve` runs."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import msgspec

from frontdesk import assemble, crew
from frontdesk.cli.children import ChildSpec, read_spec, watch_parent
from frontdesk.cli.options import start_logging
from frontdesk.declare.signature import TaskCard
from frontdesk.settings import Settings


def main() -> None:
    """Be the web process or worker the parent asked for."""
    # Ctrl-C reaches the whole terminal; only the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    spec = read_spec()
    watch_parent()
    settings = Settings.read({}, **spec.settings)
    start_logging(settings.log_level)
    installation = assemble.Installation.open(settings)
    try:
        if spec.role == "web":
            _web(spec, installation)
        else:
            _worker(spec, installation)
    finally:
        installation.close()


def _web(spec: ChildSpec, installation: assemble.Installation) -> None:
    from frontdesk.serve.server import run  # a worker needs no web server

    cards = _cards(spec)
    with socket.socket(fileno=spec.listen_fd) as listener:
        app = assemble.web_app(installation, cards, name=spec.name)
        spec.note.touch()  # who connects from now on waits for the blink of an eye until it is accepted
        run(app, listener, installation.settings.trusted_proxies)


def _worker(spec: ChildSpec, installation: assemble.Installation) -> None:
    worker = crew.worker(installation, _cards(spec), name=spec.name)
    signal.signal(signal.SIGTERM, lambda number, frame: worker.stop())
    spec.note.touch()
    worker.run()


def _cards(spec: ChildSpec) -> assemble.Cards:
    return msgspec.json.decode(Path(spec.cards).read_bytes(), type=dict[str, TaskCard])


if __name__ == "__main__":
    main()
