"""`frontdesk worker`: more hands for an installation that is served already."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import click

from frontdesk import assemble
from frontdesk.cli.options import data_option, start_logging
from frontdesk.settings import Settings


@click.command("worker")
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
)
@data_option
@click.option(
    "--concurrency", type=click.IntRange(1, 1000), default=64, help="Predict jobs held at once, at most."
)
@click.option("--models", type=click.Path(path_type=Path), help="Folder of downloaded weights and pictures.")
def command(sources: tuple[Path, ...], concurrency: int, **chosen: Any) -> None:
    """Do the jobs of an installation, with hosts of this worker's own.

    PATH... are the same files and folders that are served. Ctrl-C ends it; what it holds is
    finished first, or given back.
    """
    settings = Settings.read(os.environ, **chosen)
    start_logging(settings.log_level)
    cards = assemble.cards_of(settings, list(sources))
    asyncio.run(_work(settings, cards, concurrency))


async def _work(settings: Settings, cards: assemble.Cards, concurrency: int) -> None:
    installation = assemble.Installation.open(settings)
    name = f"{socket.gethostname()}-{os.getpid()}"
    supervisor = assemble.supervisor(installation, cards, name=f"hosts-{os.getpid()}")
    sweeper = assemble.sweeper(installation)
    hosts = f"hosts-{os.getpid()}"
    worker = assemble.worker(installation, cards, name=name, hosts=hosts, concurrency=concurrency)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    await supervisor.start()
    sweeper.start()
    click.echo(f"worker {name} takes jobs from {settings.data} (Ctrl-C ends it)")
    await asyncio.to_thread(worker.run)
    await supervisor.stop()
    await asyncio.to_thread(sweeper.stop)
    installation.close()
