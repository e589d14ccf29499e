"""Write the pages of docs/reference that the code itself can tell: settings.md and commands.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from frontdesk.cli import cli as frontdesk
from frontdesk.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent

SETTINGS_HEAD = """# Settings

Each setting is an environment variable; the most used are also options of `frontdesk serve`
([commands](commands.md)). An option wins over a variable, a variable over the default. They are read once, at start.

Each can be read from a file, as secrets are handed to containers: `FRONTDESK_SMTP_PASSWORD_FILE` names the file
that has `FRONTDESK_SMTP_PASSWORD`. Only one of the two may be set.

| variable | default | meaning |
|---|---|---|
"""

COMMANDS_HEAD = """# Commands

What `frontdesk COMMAND --help` says. Every command ends with 0 when all went well, 1 when something
could not be done (one line on standard error says what), and 2 when it was called wrongly.
"""


def settings_page() -> str:
    """One row for each setting."""
    rows = []
    for setting in fields(Settings):
        default = (
            f"{setting.default:_}".replace("_", " ") if type(setting.default) is int else str(setting.default)
        )
        if setting.name == "port":
            default = str(setting.default)
        sentence = setting.metadata["sentence"]
        rows.append(f"| `FRONTDESK_{setting.name.upper()}` | `{default}` | {sentence} |")
    return SETTINGS_HEAD + "\n".join(rows) + "\n"


def commands_page() -> str:
    """The help of each command, as a terminal of 90 columns shows it."""
    parts = [COMMANDS_HEAD]
    for name, command in _commands(frontdesk, "frontdesk"):
        context = click.Context(command, info_name=name, terminal_width=90, max_content_width=90)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context: Any = click.Context(command, info_name=name)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _commands(found, f"{name} {child}")


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "docs" / "reference"
    (folder / "settings.md").write_text(settings_page())
    (folder / "commands.md").write_text(commands_page())
