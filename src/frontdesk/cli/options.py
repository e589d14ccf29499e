"""What several commands share."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

import click

from frontdesk.client import Client
from frontdesk.errors import FrontdeskError
from frontdesk.settings import Settings

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


def client_of(url: str | None, data: Path | None) -> Client:
    """A client of the server that was named, or that serves this data folder now."""
    if url is None:
        note = Settings.read(os.environ, data=data).data / "server.json"
        try:
            url = json.loads(note.read_text())["url"]
        except (OSError, ValueError, KeyError):
            raise FrontdeskError(
                f"No server serves from {note.parent}. Start one with `frontdesk serve`, or name one with --url."
            ) from None
    return Client(str(url))


def print_json(document: object) -> None:
    """For programs."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
