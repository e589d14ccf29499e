"""`frontdesk jobs`: the panel, in a shell."""

from __future__ import annotations

from pathlib import Path

import click

from frontdesk.cli.options import client_of, data_option, json_option, print_json, url_option


@click.group("jobs")
def command() -> None:
    """List, show, cancel, retry and archive jobs."""


@command.command("list")
@click.option("--state", type=click.Choice(["queued", "running", "succeeded", "failed", "cancelled"]))
@click.option("--task")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@data_option
@url_option
@json_option
def list_jobs(
    state: str | None, task: str | None, limit: int, data: Path | None, url: str | None, as_json: bool
) -> None:
    """The newest jobs."""
    with client_of(url, data) as client:
        found = client.jobs(state=state, task=task, limit=limit)
    if as_json:
        print_json(found)
        return
    for job in found:
        click.echo(f"{job['id']}  {job['state']:9}  {job['created_at'][:19]}  {job['task']} ({job['model']})")
    if not found:
        click.echo("There are no such jobs.")


@command.command("show")
@click.argument("job_id", metavar="ID")
@data_option
@url_option
def show(job_id: str, data: Path | None, url: str | None) -> None:
    """One job, as JSON."""
    with client_of(url, data) as client:
        print_json(client.job(job_id))


def _change(verb: str, sentence: str) -> None:
    @command.command(verb, help=sentence)
    @click.argument("job_id", metavar="ID")
    @data_option
    @url_option
    @json_option
    def change(job_id: str, data: Path | None, url: str | None, as_json: bool) -> None:
        with client_of(url, data) as client:
            job = client.change(job_id, verb)
        if as_json:
            print_json(job)
        else:
            click.echo(f"{job['id']} is {job['state']}{' and archived' if job['archived'] else ''}.")


_change("cancel", "End a job that waits or runs.")
_change("retry", "Try a failed or cancelled job again.")
_change("archive", "Put a finished job out of sight.")
_change("unarchive", "Put an archived job back in sight.")
