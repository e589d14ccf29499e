"""The command line. Each command is a file of its own, imported when it is asked for."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from frontdesk.errors import FrontdeskError

_COMMANDS = ("serve", "worker", "predict", "jobs", "new", "doctor")


class _LazyGroup(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = import_module(f"frontdesk.cli.{name}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="frontdesk")
def cli() -> None:
    """From one typed Python class to a page, an API and durable tickets for a trained model."""


def main() -> None:
    """Run a command. Exit code 0: done; 1: it could not be done, with one sentence why; 2: asked wrongly."""
    try:
        cli(standalone_mode=True)
    except FrontdeskError as error:
        click.echo(f"frontdesk: {error}", err=True)
        sys.exit(1)
