"""`frontdesk worker`: more hands for an installation that is served already."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from frontdesk import assemble, crew
from frontdesk.cli.options import data_option, start_logging
from frontdesk.desk.job import Lane
from frontdesk.errors import SettingsError
from frontdesk.host.runtime import remove_left_behind
from frontdesk.run.duty import Duty
from frontdesk.settings import Settings


@click.command("worker")
@click.argument(
    "sources", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH..."
)
@data_option
@click.option(
    "--tasks", multiple=True, help="Tasks whose jobs it does, with commas between (default: all of PATH...)."
)
@click.option(
    "--lanes", multiple=True, help="Kinds of jobs it does: predict, batch, train, with commas between."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    help="Jobs of each lane it does at once, at most (default 64 predict, 2 batch; trainings have a setting).",
)
@click.option("--models", type=click.Path(path_type=Path), help="Folder of downloaded weights and pictures.")
def command(
    sources: tuple[Path, ...],
    tasks: tuple[str, ...],
    lanes: tuple[str, ...],
    concurrency: int | None,
    **chosen: Any,
) -> None:
    """Do the jobs of an installation, with hosts of this worker's own.

    PATH... are the same files and folders that are served, or some of them: jobs of other tasks are left
    to other workers. Ctrl-C ends it; what it holds is finished first, or given back.
    """
    settings = Settings.read(os.environ, **chosen)
    start_logging(settings.log_level)
    wanted_lanes = _chosen("lane", lanes, [lane.value for lane in Lane])
    cards = assemble.cards_of(settings, list(sources))
    duty = Duty(
        lanes=tuple(Lane(lane) for lane in wanted_lanes),
        tasks=_chosen("task", tasks, list(cards)),
        concurrency=concurrency or 0,
    )
    asyncio.run(_work(settings, cards, duty))


def _chosen(what: str, given: Iterable[str], known: list[str]) -> tuple[str, ...]:
    """Those of the known ones that were asked for; all, where none was."""
    asked = [word.strip() for words in given for word in words.split(",") if word.strip()]
    for word in asked:
        if word not in known:
            raise SettingsError(f"There is no {what} {word}; those there are: {', '.join(known)}.")
    return tuple(word for word in known if word in asked or not asked)


async def _work(settings: Settings, cards: assemble.Cards, duty: Duty) -> None:
    installation = assemble.Installation.open(settings)
    # Drawn anew by each process: containers have the same machine name and process id over and over.
    mark = secrets.token_hex(4)
    name, hosts = f"{socket.gethostname()}-{mark}", f"hosts-{mark}"
    remove_left_behind(installation.runtime)
    # On a Ray cluster models are loaded there; here only what trains at its first start is, for that once.
    supervisor = assemble.supervisor(installation, cards, name=hosts, is_asked=settings.engine != "ray")
    sweeper = assemble.sweeper(installation)
    worker = crew.worker(installation, cards, name=name, hosts=hosts, duty=duty)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    await supervisor.start()
    sweeper.start()
    does = f"{', '.join(duty.lanes)} jobs of {', '.join(duty.tasks or cards)}"
    says = f"worker {name} does {does} (data in {settings.data}; Ctrl-C ends it)"
    await asyncio.to_thread(worker.run, lambda: click.echo(says))
    await supervisor.stop()
    await asyncio.to_thread(sweeper.stop)
    installation.close()
    shutil.rmtree(installation.runtime / hosts, ignore_errors=True)
