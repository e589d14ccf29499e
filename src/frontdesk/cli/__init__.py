"""The command line. Each command is a file of its own, imported when it is asked for."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from frontdesk.errors import FrontdeskError, InvalidInput

_COMMANDS = {
    "serve": "Serve the tasks of Python files, folders and ONNX files.",
    "worker": "Do the jobs of an installation, beside its server.",
    "predict": "Ask a task.",
    "batch": "Answer the rows of a spreadsheet.",
    "train": "Train a model of a task.",
    "jobs": "List, show, await, cancel, retry, archive and remove jobs.",
    "users": "Add, list, disable and enable users.",
    "tokens": "Make, list and revoke tokens for programs.",
    "pull": "Fetch the weights, labels and pictures that a task needs.",
    "new": "Make a small task to start from.",
    "doctor": "Say what is wrong with this installation and how to mend it.",
}
"""The commands and what they do. It is said here once more, so that the list of them imports none."""


class _LazyGroup(click.Group):
    def list_commands(self, context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = import_module(f"frontdesk.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="frontdesk")
def cli() -> None:
    """From one typed Python class to a page, an API and durable tickets for a trained model."""


def main() -> None:
    """Run a command. Exit code 0: done; 1: it could not be done, with one sentence why; 2: asked wrongly."""
    try:
        cli(standalone_mode=True)
    except InvalidInput as error:
        for fault in error.faults:
            _say(f"{fault.pointer.removeprefix('/inputs/')}: {fault.detail}")
    except (FrontdeskError, TimeoutError) as error:
        _say(str(error))
    except Exception as error:
        # A person at a terminal is helped by one line; who looks for the cause asks for all of it.
        if os.environ.get("FRONTDESK_LOG_LEVEL", "").lower() == "debug":
            raise
        _say(f"{type(error).__name__}: {error} (FRONTDESK_LOG_LEVEL=debug shows where)")
    sys.exit(1)


def _say(sentence: str) -> None:
    click.echo(f"frontdesk: {sentence}", err=True)
