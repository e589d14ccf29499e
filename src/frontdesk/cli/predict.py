"""`frontdesk predict`: ask a served task from a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from frontdesk.cli.options import client_of, data_option, json_option, print_json, token_option, url_option
from frontdesk.cli.outputs import readable
from frontdesk.errors import FrontdeskError

Schema = dict[str, Any]


@click.command("predict", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("task")
@click.option("--model", help="Which model; default: the task's default one.")
@click.option("--no-wait", is_flag=True, help="Print a ticket instead of waiting for the answer.")
@data_option
@url_option
@token_option
@json_option
@click.pass_context
def command(
    context: click.Context, task: str, model: str | None, no_wait: bool,
    data: Path | None, url: str | None, token: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Ask TASK, with each input as --NAME VALUE; @FILE takes the value from a file.

    An input that is left out has its default. Yes-or-no inputs can stand alone: --loud is --loud true.
    An input that has the name of one of the options below goes behind a double dash; a text that begins
    with @ begins with @@.

    \b
    frontdesk predict flowers --sepal-length 5.1 --sepal-width 3.5
    frontdesk predict photos --photo @goldfinch.jpeg --model shufflenet
    """
    with client_of(url, data, token) as client:
        inputs = read_inputs(context.args, client.task(task)["inputs"]["properties"])
        answer = (client.submit if no_wait else client.ask)(task, inputs, model=model)
    if as_json:
        print_json(answer)
    elif no_wait:
        click.echo(answer["id"])
    else:
        for name, output in answer["outputs"].items():
            click.echo(readable(name, output))


def read_inputs(words: list[str], properties: dict[str, Schema]) -> dict[str, Any]:
    """`--sepal-length 5.1 --loud --photo @file` as inputs, by the schema of each."""
    inputs: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, equals, text = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        if not flag.startswith("--") or name not in properties:
            known = ", ".join(f"--{known.replace('_', '-')}" for known in properties)
            raise click.UsageError(f"{word} is no input of this task; it has {known}.")
        if not equals:
            if _is("boolean", properties[name]) and (not rest or rest[0].startswith("--")):
                text = "true"
            elif rest:
                text = rest.pop(0)
            else:
                raise click.UsageError(f"{flag} needs a value.")
        inputs[name] = _value(text, properties[name])
    return inputs


def _value(text: str, schema: Schema) -> Any:
    if text.startswith("@@"):
        text = text[1:]
    elif text.startswith("@"):
        path = Path(text[1:])
        if not path.is_file():
            raise FrontdeskError(f"There is no file {path}.")
        if _takes_files(schema):
            return path
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise FrontdeskError(f"{path} cannot be read as text ({error}).") from None
    if _is("string", schema) and not (_takes_files(schema) and text.startswith(("{", "["))):
        return None if text == "null" and _is("null", schema) else text
    try:
        return json.loads(text)
    except ValueError:
        return text  # the server says best what it should have been


def _parts(schema: Schema) -> list[Schema]:
    """The schema and all it allows instead of one another."""
    return [schema, *(part for inner in schema.get("anyOf", ()) for part in _parts(inner))]


def _is(kind: str, schema: Schema) -> bool:
    return any(part.get("type") == kind for part in _parts(schema))


def _takes_files(schema: Schema) -> bool:
    return any("contentEncoding" in part for part in _parts(schema))
