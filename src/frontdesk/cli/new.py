"""`frontdesk new`: a starting point that runs."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from frontdesk.errors import FrontdeskError

_MODEL = '''"""{title}: a starting point. Run it with: frontdesk serve {name}"""

from typing import Annotated

import frontdesk as fd


class {class_name}(fd.Model):
    """Says how warm it feels, from temperature and wind."""

    task = "{name}"

    def load(self, version: fd.Version) -> None:
        """Load your weights here, from version.folder or version.models_folder."""

    def predict(
        self,
        temperature: Annotated[float, fd.Number(ge=-40, le=50, unit="°C")] = 12.0,
        wind: Annotated[float, fd.Number(ge=0, le=150, unit="km/h")] = 20.0,
    ) -> fd.Classification:
        """Your model answers here."""
        felt = temperature - wind / 10
        cold = min(max((20 - felt) / 30, 0.0), 1.0)
        return fd.Classification({{"cold": cold, "warm": 1 - cold}})
'''


@click.command("new")
@click.argument("name")
def command(name: str) -> None:
    """Make a folder NAME with a small task in it that can be served at once."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise click.BadParameter(
            f"{name!r} cannot be a task's name; use letters, digits and _, and begin with a letter."
        )
    folder = Path(name)
    try:
        folder.mkdir()
    except FileExistsError:
        raise FrontdeskError(f"{folder} exists already; nothing was written.") from None
    title = name.replace("_", " ").capitalize()
    class_name = "".join(word.capitalize() for word in name.split("_"))
    (folder / "model.py").write_text(_MODEL.format(name=name, title=title, class_name=class_name))
    click.echo(f"Made {folder / 'model.py'}. Now run: frontdesk serve {name} --open")
