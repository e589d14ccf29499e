"""`frontdesk batch`: a spreadsheet in, the same spreadsheet with predictions out."""

from __future__ import annotations

from pathlib import Path

import click

from frontdesk.cli.options import client_of, data_option, json_option, print_json, token_option, url_option
from frontdesk.cli.waiting import awaited


@click.command("batch")
@click.argument("task")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the result goes; by default beside FILE.",
)
@click.option("--model", help="Which model; default: the task's default one.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["xlsx", "csv", "parquet"]),
    help="Default: by the ending of the output, else xlsx.",
)
@click.option("--strict", is_flag=True, help="Fail at the first row that cannot be answered.")
@click.option("--no-wait", is_flag=True, help="Print a ticket instead of waiting for the result.")
@data_option
@url_option
@token_option
@json_option
def command(
    task: str, file: Path, output: Path | None, model: str | None, kind: str | None, strict: bool, no_wait: bool,
    data: Path | None, url: str | None, token: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Answer every row of FILE (CSV, Excel or Parquet) by TASK.

    The result has the same rows in the same order, with columns for the predictions and one for errors.

    \b
    frontdesk batch flowers measurements.csv -o named.xlsx
    """
    kind = kind or (
        output.suffix.removeprefix(".") if output and output.suffix in (".csv", ".parquet") else "xlsx"
    )
    target = output or file.with_name(f"{file.stem}-predictions.{kind}")
    with client_of(url, data, token) as client:
        job = client.batch(task, file, model=model, format=kind, strict=strict)
        if no_wait:
            print_json(job) if as_json else click.echo(job["id"])
            return
        done = awaited(client, job["id"])
        client.download(job["id"], target)
    if as_json:
        print_json(done)
        return
    outputs = done["outputs"]
    failed = f", {outputs['failed_rows']:,} of them without an answer" if outputs["failed_rows"] else ""
    click.echo(f"{target}: {outputs['rows']:,} rows{failed}")
