"""`frontdesk pull`: bring what a task needs into the models folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

import frontdesk
from frontdesk.catalog.downloads import Download, is_right, pull, read_pull_list
from frontdesk.cli.options import json_option, models_option, print_json
from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings


@click.command("pull")
@click.argument("task", metavar="PATH|EXAMPLE")
@click.option(
    "--check", "only_check", is_flag=True, help="Say what is missing and where it is; fetch nothing."
)
@models_option
@json_option
def command(task: str, only_check: bool, models: Path | None, as_json: bool) -> None:
    """Fetch the weights, labels and pictures that a task lists in its pull.toml.

    PATH is the task's folder; EXAMPLE is the name of one of the examples. The files come from their public
    homes, are checked against their SHA-256 and put into the models folder; what is right there already
    is not fetched again.

    \b
    frontdesk pull photos
    """
    downloads = read_pull_list(_folder_of(task))
    folder = Settings.read(os.environ, models=models).models
    if only_check:
        missing = [download for download in downloads if not is_right(folder / download.path, download)]
        _show(downloads, missing, folder, as_json)
        raise SystemExit(1 if missing else 0)
    # What is printed while fetching is for people; programs get one document, if all went well.
    pull(downloads, folder, lambda line: click.echo(line, err=as_json))
    if as_json:
        _show(downloads, [], folder, as_json)


def _folder_of(task: str) -> Path:
    examples = Path(frontdesk.__file__).parents[2] / "examples"  # where frontdesk runs from its checkout
    for folder in (Path(task), Path("examples") / task, examples / task):
        if (folder / "pull.toml").is_file():
            return folder
    raise FrontdeskError(
        f"{task} has no pull.toml, so there is nothing to pull. Name a folder that has one, or an example."
    )


def _show(downloads: Sequence[Download], missing: Sequence[Download], folder: Path, as_json: bool) -> None:
    if as_json:
        print_json([_document(download, download not in missing) for download in downloads])
        return
    click.echo(f"{len(downloads) - len(missing)} of {len(downloads)} files are in {folder}.")
    for download in missing:
        click.echo(f"{download.path} is missing; it is public at {download.url}")


def _document(download: Download, is_there: bool) -> dict[str, object]:
    return {
        "path": download.path,
        "is_there": is_there,
        "size_bytes": download.size,
        "sha256": download.sha256,
        "url": download.url,
    }
