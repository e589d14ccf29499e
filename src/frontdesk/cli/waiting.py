"""Waiting for a job at a terminal, with its progress told while it runs."""

from __future__ import annotations

import time

import click

from frontdesk.client import Client, Document
from frontdesk.errors import HostError

_LOOK_S = 1.0


def awaited(client: Client, job_id: str) -> Document:
    """The job once it has succeeded. Raises HostError with its reason when it did not."""
    while (job := client.job(job_id))["state"] in ("queued", "running"):
        progress = job["progress"]
        if progress["done"]:
            total = f" of {progress['total']:,}" if progress["total"] else ""
            click.echo(f"\r{progress['done']:,}{total} {progress['message']}\033[K", nl=False, err=True)
        time.sleep(_LOOK_S)
    click.echo("\r\033[K", nl=False, err=True)
    if job["state"] != "succeeded":
        raise HostError(job["error"] or f"The job was {job['state']}.")
    return job
