"""`frontdesk train`: train a model of a served task from a shell."""

from __future__ import annotations

from pathlib import Path

import click

from frontdesk.cli.options import client_of, data_option, json_option, print_json, token_option, url_option
from frontdesk.cli.predict import read_inputs
from frontdesk.cli.waiting import awaited
from frontdesk.errors import FrontdeskError


@click.command("train", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("task")
@click.option("--model", help="Which model; default: the first of the task that trains.")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File to learn from.",
)
@click.option("--no-wait", is_flag=True, help="Print a ticket instead of waiting for the end.")
@data_option
@url_option
@token_option
@json_option
@click.pass_context
def command(
    context: click.Context, task: str, model: str | None, source: Path | None, no_wait: bool,
    data: Path | None, url: str | None, token: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Train a model of TASK, with each parameter as --NAME VALUE; one that is left out has its default.

    Whether the new version goes live is up to the model's policy.

    \b
    frontdesk train flowers --hidden-units 20 --epochs 300
    """
    with client_of(url, data, token) as client:
        training = client.task(task)["training"]
        if not training:
            raise FrontdeskError("No model of this task can be trained.")
        chosen = model or next(iter(training))
        properties = training.get(chosen, {}).get("properties", {})
        parameters = read_inputs(context.args, properties)
        file = client.upload(source)["id"] if source is not None else None
        job = client.train(task, parameters, model=model, data=file)
        if no_wait:
            print_json(job) if as_json else click.echo(job["id"])
            return
        done = awaited(client, job["id"])
    if as_json:
        print_json(done)
        return
    outputs = done["outputs"]
    numbers = {name: value for name, value in outputs["metrics"].items() if isinstance(value, int | float)}
    metrics = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())
    live = "live" if outputs["is_live"] else "not live"
    click.echo(f"version {outputs['version']} of {done['model']}, {live}: {metrics}")
