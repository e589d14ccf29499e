"""`frontdesk serve`: the parent of everything."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import ipaddress
import json
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from frontdesk import assemble
from frontdesk.cli.children import Child, ChildSpec
from frontdesk.cli.fleet import Fleet
from frontdesk.cli.newcomers import turn_away
from frontdesk.cli.options import data_option, start_logging
from frontdesk.errors import SettingsError
from frontdesk.settings import Settings


@click.command("serve")
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
)
@data_option
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default 8000).")
@click.option(
    "--public", help="Tasks that may be asked without signing in: names with commas between, or '*'."
)
@click.option(
    "--open",
    "access",
    flag_value="open",
    default=None,
    help="No sign-in: whoever can connect is the one user. On loopback only.",
)
@click.option("--web-workers", type=int, help="Web processes that share the port (default 1).")
@click.option("--workers", type=int, help="Job workers to start; 0 for none (default 1).")
@click.option("--models", type=click.Path(path_type=Path), help="Folder of downloaded weights and pictures.")
def command(sources: tuple[Path, ...], **chosen: Any) -> None:
    """Serve the tasks found in PATH...: Python files, folders with a model.py, or ONNX files.

    Pages and API appear on http://127.0.0.1:8000, and everything that must last is kept in the
    data folder. Ctrl-C ends it; what is running is finished first. SIGHUP replaces its processes one
    after another.

    Who comes must sign in, unless --public or --open says otherwise. The first start prints a link
    that makes the first administrator.
    """
    settings = Settings.read(os.environ, **chosen)
    start_logging(settings.log_level)
    _refuse_strangers(settings)
    with _listening(settings) as listener, _only_server_on(settings.data):
        settings = replace(settings, port=listener.getsockname()[1])
        cards = assemble.cards_of(settings, list(sources))
        asyncio.run(_serve(settings, cards, listener))


def _refuse_strangers(settings: Settings) -> None:
    """Without sign-in everybody who can connect may do everything, so only this machine may connect."""
    if settings.access not in ("accounts", "open"):
        raise SettingsError(f"access = {settings.access!r} must be `accounts` or `open`.")
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(settings.host).is_loopback:
            return
    if settings.access == "open" and settings.host != "localhost":
        raise SettingsError(
            f"With --open whoever can connect may do everything, so frontdesk does not listen on {settings.host} "
            "then. Leave --open out, and people sign in; or leave --host out."
        )


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket all web processes accept from. It outlives each of them, so a restart refuses nobody."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OverflowError:
            raise SettingsError(f"port = {settings.port} is no port: they go from 0 to 65535.") from None
        except OSError as error:
            raise SettingsError(
                f"Port {settings.port} on {settings.host} cannot be used ({error.strerror}). "
                "Choose another with --port, or end the program that has it."
            ) from None
        listener.listen(2048)
        listener.set_inheritable(True)
        yield listener


@contextlib.contextmanager
def _only_server_on(data: Path) -> Iterator[None]:
    """Hold the data folder's lock: two servers on one folder would each restart the other's jobs."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        handle = (data / "serve.lock").open("w")
    except OSError as error:
        raise SettingsError(f"The data folder {data} cannot be written ({error.strerror}).") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"Another frontdesk serves from the data folder {data} already.") from None
        yield


async def _serve(settings: Settings, cards: assemble.Cards, listener: socket.socket) -> None:
    installation = assemble.Installation.open(settings)
    sweeper, teller = assemble.sweeper(installation), assemble.teller(installation)
    stop = _stop_signal()
    with tempfile.TemporaryDirectory(prefix="cards-", dir=installation.runtime) as folder:
        cards_file = Path(folder) / "cards.json"
        cards_file.write_bytes(msgspec.json.encode(dict(cards)))
        fleet = _fleet(settings, cards_file, listener.fileno(), installation)
        # Workers of an earlier server may have died with jobs in hand.
        installation.desk.reclaim_place(installation.place)
        fleet.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, fleet.roll)
        supervisor = assemble.supervisor(installation, cards)
        await supervisor.start()
        sweeper.start()
        teller.start()
        _announce_address(settings, cards, installation)
        await stop.wait()
        logging.getLogger(__name__).info("stopping: what is running is finished first")
        turn_away(listener)
        listener.close()  # the web processes have it, too: whoever connects after the last of them is refused at once
        await fleet.stop()
        await supervisor.stop()
        await asyncio.to_thread(teller.stop)
        await asyncio.to_thread(sweeper.stop)
    (settings.data / "server.json").unlink(missing_ok=True)
    installation.close()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _fleet(
    settings: Settings, cards_file: Path, listen_fd: int, installation: assemble.Installation
) -> Fleet:
    plain = {
        name: str(value) if isinstance(value, Path) else value for name, value in asdict(settings).items()
    }

    def child(role: str, number: int) -> Child:
        spec = ChildSpec(
            role=role,
            name=f"{role}-{number}-{installation.place}",
            settings=plain,
            cards=str(cards_file),
            listen_fd=listen_fd if role == "web" else -1,
        )
        return Child(spec, on_death=installation.desk.reclaim_worker)

    return Fleet(child, webs=max(settings.web_workers, 1), workers=settings.workers)


def _announce_address(settings: Settings, cards: assemble.Cards, installation: assemble.Installation) -> None:
    # Who listens everywhere is reached here by the name of here.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    url = f"http://{host}:{settings.port}"
    note = settings.data / "server.json"
    draft = note.with_suffix(".tmp")
    draft.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    draft.replace(note)
    click.echo(f"frontdesk serves {', '.join(cards)} on {url} (data in {settings.data}; Ctrl-C ends it)")
    if settings.access == "accounts" and (secret := installation.gate.invitations.for_first()) is not None:
        click.echo(
            "There are no users yet. Whoever opens this link, once, becomes the administrator:\n"
            f"{settings.url or url}/welcome?code={secret}"
        )
