"""`frontdesk jobs`: the panel, in a shell."""

from __future__ import annotations

from pathlib import Path

import click

from frontdesk.cli.options import client_of, data_option, json_option, print_json, token_option, url_option
from frontdesk.cli.outputs import readable
from frontdesk.client import Document, Verb

States = click.Choice(["queued", "running", "succeeded", "failed", "cancelled"])


@click.group("jobs")
def command() -> None:
    """List, show, await, cancel, retry, archive and remove jobs."""


@command.command("list")
@click.option("--state", type=States, help="Only jobs in this state.")
@click.option("--task", help="Only jobs of this task.")
@click.option("--archived", is_flag=True, help="Only archived jobs, which are left out otherwise.")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many, at most."
)
@data_option
@url_option
@token_option
@json_option
def list_jobs(
    state: str | None, task: str | None, archived: bool, limit: int,
    data: Path | None, url: str | None, token: str | None, as_json: bool,
) -> None:  # fmt: skip
    """The newest jobs."""
    with client_of(url, data, token) as client:
        found = client.jobs(state=state, task=task, archived=archived, limit=limit)
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
@token_option
@json_option
def show(job_id: str, data: Path | None, url: str | None, token: str | None, as_json: bool) -> None:
    """One job: where it stands, and what came of it."""
    with client_of(url, data, token) as client:
        _print(client.job(job_id), as_json)


@command.command("wait")
@click.argument("job_id", metavar="ID")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), help="Seconds to wait, at most.")
@data_option
@url_option
@token_option
@json_option
def wait(
    job_id: str, timeout_s: float | None, data: Path | None, url: str | None, token: str | None, as_json: bool
) -> None:
    """Wait until a job is over, and show it. Exit code 1 when it did not succeed, or not in time."""
    with client_of(url, data, token) as client:
        _print(client.wait(job_id, timeout_s=timeout_s), as_json)


@command.command("remove")
@click.argument("job_id", metavar="ID")
@data_option
@url_option
@token_option
def remove(job_id: str, data: Path | None, url: str | None, token: str | None) -> None:
    """Remove a job that is over, with what came of it, for good."""
    with client_of(url, data, token) as client:
        client.remove(job_id)
    click.echo(f"{job_id} is removed.")


def _change(verb: Verb, sentence: str) -> None:
    @command.command(verb, help=sentence)
    @click.argument("job_id", metavar="ID")
    @data_option
    @url_option
    @token_option
    @json_option
    def change(job_id: str, data: Path | None, url: str | None, token: str | None, as_json: bool) -> None:
        with client_of(url, data, token) as client:
            job = client.change(job_id, verb)
        if as_json:
            print_json(job)
        else:
            click.echo(f"{job['id']} is {job['state']}{' and archived' if job['archived'] else ''}.")


_change("cancel", "End a job that waits or runs.")
_change("retry", "Try a failed or cancelled job again.")
_change("archive", "Put a job that is over out of sight.")
_change("unarchive", "Put an archived job back in sight.")


def _print(job: Document, as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    for name in ("id", "task", "model", "version", "state", "position", "attempts", "created_at", "started_at",
                 "finished_at", "error"):  # fmt: skip
        if job.get(name) is not None:
            click.echo(f"{name:12} {job[name]}")
    for name, output in (job.get("outputs") or {}).items():
        click.echo(readable(name, output))
