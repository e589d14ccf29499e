"""What several commands share."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from frontdesk.client import Client
from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings

if TYPE_CHECKING:
    from frontdesk.access.gate import Gate

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="FRONTDESK_DATA",
    help="Folder of the installation (default: frontdesk-data, or FRONTDESK_DATA).",
)
models_option = click.option(
    "--models",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of downloaded weights, labels and pictures (default: frontdesk-models, or FRONTDESK_MODELS).",
)
token_option = click.option(
    "--token", envvar="FRONTDESK_TOKEN", help="Token to show to the server (default: FRONTDESK_TOKEN)."
)
url_option = click.option(
    "--url", help="Address of the server (default: the one that serves the data folder)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def start_logging(level: str) -> None:
    """Structured lines on standard error."""
    from frontdesk.serve.logs import JsonLines  # most commands log nothing

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("alembic").setLevel(logging.WARNING)


@contextlib.contextmanager
def gate_of(data: Path | None) -> Iterator[Gate]:
    """Users and tokens of the installation in a data folder, whether its server runs or not."""
    from frontdesk import assemble  # asking a server needs none of it

    installation = assemble.Installation.open(Settings.read(os.environ, data=data))
    try:
        yield installation.gate
    finally:
        installation.close()


def client_of(url: str | None, data: Path | None, token: str | None = None) -> Client:
    """A client of the server that was named, or that serves this data folder now."""
    if url is None:
        note = Settings.read(os.environ, data=data).data / "server.json"
        try:
            url = json.loads(note.read_text())["url"]
        except (OSError, ValueError, KeyError):
            raise FrontdeskError(
                f"No server serves from {note.parent}. Start one with `frontdesk serve`, or name one with --url."
            ) from None
    return Client(str(url), token=token or os.environ.get("FRONTDESK_TOKEN"))


def print_json(document: object) -> None:
    """For programs."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
