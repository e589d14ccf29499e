"""`frontdesk predict`: ask a served task from a shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from frontdesk.cli.options import client_of, data_option, json_option, print_json, url_option
from frontdesk.errors import FrontdeskError


@click.command("predict", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("task")
@click.option("--model", help="Which model; default: the task's default one.")
@click.option("--no-wait", is_flag=True, help="Print a ticket instead of waiting for the answer.")
@data_option
@url_option
@json_option
@click.pass_context
def command(
    context: click.Context, task: str, model: str | None, no_wait: bool,
    data: Path | None, url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Ask TASK, with each input as --NAME VALUE; @FILE sends a file's content.

    \b
    frontdesk predict flowers --sepal-length 5.1 --sepal-width 3.5
    frontdesk predict photos --photo @goldfinch.jpeg --model shufflenet
    """
    with client_of(url, data) as client:
        inputs = _inputs(context.args, client.task(task)["inputs"]["properties"])
        answer = (client.submit if no_wait else client.ask)(task, model=model, **inputs)
    if as_json:
        print_json(answer)
    elif no_wait:
        click.echo(answer["id"])
    else:
        for name, output in answer["outputs"].items():
            click.echo(_readable(name, output))


def _inputs(words: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        name = flag.removeprefix("--").replace("-", "_")
        if not flag.startswith("--") or name not in properties:
            known = ", ".join(f"--{known.replace('_', '-')}" for known in properties)
            raise click.UsageError(f"{word} is no input of this task; it has {known}.")
        if not equals:
            value = next(rest, "")
        inputs[name] = _value(value, properties[name])
    return inputs


def _value(text: str, schema: dict[str, Any]) -> Any:
    if text.startswith("@"):
        path = Path(text[1:])
        if not path.is_file():
            raise FrontdeskError(f"There is no file {path}.")
        return path
    if schema.get("type") == "string" or "enum" in schema:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _readable(name: str, output: Any) -> str:
    if isinstance(output, dict) and "scores" in output:
        lines = [f"{score['score']:7.1%}  {score['label']}" for score in output["scores"][:5]]
        return "\n".join(lines)
    if isinstance(output, dict) and "value" in output:
        return f"{name}: {output['value']:g} {output.get('unit', '')}".rstrip()
    return f"{name}: {output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)}"
