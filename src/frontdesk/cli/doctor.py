"""`frontdesk doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from frontdesk.cli.findings import examine
from frontdesk.cli.options import data_option, json_option, models_option, print_json
from frontdesk.cli.redis_check import check_redis
from frontdesk.cli.remote_check import check_remote
from frontdesk.settings import Settings


@click.command("doctor")
@data_option
@models_option
@json_option
@click.option(
    "--remote", metavar="URL", help="Look at a server that is to answer for a remote model, instead."
)
def command(data: Path | None, models: Path | None, as_json: bool, remote: str | None) -> None:
    """Look for what would keep frontdesk from working here, and say how to mend it.

    Nothing of it is changed. Exit code 1 when something is wrong.
    """
    settings = Settings.read(os.environ, data=data, models=models)
    findings = list(check_remote(remote) if remote else examine(settings))
    if settings.redis and not remote:
        findings.append(check_redis(settings))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.is_well else 'WRONG'}  {finding.what}: {finding.told}")
            if not finding.is_well:
                click.echo(f"       {finding.mend}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(1)
