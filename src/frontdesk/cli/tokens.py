"""`frontdesk tokens`: what programs show, without a browser."""

from __future__ import annotations

from pathlib import Path

import click

from frontdesk.access.audit import COMMAND_LINE, By
from frontdesk.access.rules import Action
from frontdesk.cli.options import data_option, gate_of, json_option, print_json

_BY = By(COMMAND_LINE)


@click.group("tokens")
def command() -> None:
    """Make, list and revoke tokens of an installation on this machine."""


@command.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--scope", "scopes", multiple=True, type=click.Choice([action.value for action in Action]),
    help="What it may do; can be given again (default: ask and batch).",
)  # fmt: skip
@click.option("--task", "tasks", multiple=True, help="Only this task; can be given again (default: all).")
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), help="Days it lasts (default: for ever)."
)
@data_option
def add(
    email: str,
    name: str,
    scopes: tuple[str, ...],
    tasks: tuple[str, ...],
    days: float | None,
    data: Path | None,
) -> None:
    """Make a token for a user and print it, and nothing else. It cannot be shown again."""
    chosen = frozenset(map(Action, scopes)) or frozenset({Action.ASK, Action.BATCH})
    with gate_of(data) as gate:
        user = gate.users.by_email(email)
        _, secret = gate.tokens.add(_BY, user.id, name, chosen, frozenset(tasks) or None, days)
    click.echo(secret)


@command.command("list")
@click.argument("email")
@data_option
@json_option
def list_tokens(email: str, data: Path | None, as_json: bool) -> None:
    """The tokens of a user, the newest first."""
    with gate_of(data) as gate:
        tokens = gate.tokens.list(gate.users.by_email(email).id)
    if as_json:
        print_json(
            [
                {
                    "id": token.id, "name": token.name, "scopes": list(token.scopes), "tasks": token.tasks,
                    "expires_at": token.expires_at and token.expires_at.isoformat(),
                    "used_at": token.used_at and token.used_at.isoformat(),
                }
                for token in tokens
            ]
        )  # fmt: skip
        return
    for token in tokens:
        used = f"last used {token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
        ends = f", ends {token.expires_at:%Y-%m-%d}" if token.expires_at else ""
        click.echo(f"{token.id}  {token.name}  {','.join(token.scopes)}  {used}{ends}")
    if not tokens:
        click.echo("There are no tokens.")


@command.command("revoke")
@click.argument("token_id", metavar="ID")
@data_option
def revoke(token_id: str, data: Path | None) -> None:
    """End a token; it is refused within seconds."""
    with gate_of(data) as gate:
        gate.tokens.revoke(_BY, token_id, None)
    click.echo(f"{token_id} is revoked.")
