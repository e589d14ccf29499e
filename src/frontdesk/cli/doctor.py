"""`frontdesk doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from frontdesk.cli.findings import examine
from frontdesk.cli.options import data_option, json_option, models_option, print_json
from frontdesk.settings import Settings


@click.command("doctor")
@data_option
@models_option
@json_option
def command(data: Path | None, models: Path | None, as_json: bool) -> None:
    """Look for what would keep frontdesk from working here, and say how to mend it.

    Nothing of it is changed. Exit code 1 when something is wrong.
    """
    findings = list(examine(Settings.read(os.environ, data=data, models=models)))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.is_well else 'WRONG'}  {finding.what}: {finding.told}")
            if not finding.is_well:
                click.echo(f"       {finding.mend}")
    if not all(finding.is_well for finding in findings):
        raise SystemExit(1)
