"""`frontdesk users`: who may come in, without a browser."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from frontdesk.access.audit import COMMAND_LINE, By
from frontdesk.access.rules import Role
from frontdesk.cli.options import data_option, gate_of, json_option, print_json

_BY = By(COMMAND_LINE)


@click.group("users")
def command() -> None:
    """Add, list, disable and enable users of an installation on this machine."""


@command.command("add")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default="viewer",
    show_default=True,
    help="What they may do.",
)
@click.option("--name", default="", help="What to call them (default: the first part of the address).")
@click.option("--password-stdin", is_flag=True, help="Read their password from standard input.")
@data_option
def add(email: str, role: str, name: str, password_stdin: bool, data: Path | None) -> None:
    """Add somebody. Without a password, print a code for their link: /welcome?code=CODE."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    with gate_of(data) as gate:
        user = gate.users.add(_BY, email, name, Role(role), password)
        if password is None:
            click.echo(gate.invitations.add(_BY, user.id))
        else:
            click.echo(f"{user.email} is added; the role is {user.role}.")


@command.command("list")
@data_option
@json_option
def list_users(data: Path | None, as_json: bool) -> None:
    """Everybody."""
    with gate_of(data) as gate:
        users = gate.users.list()
    if as_json:
        print_json(
            [
                {"id": u.id, "email": u.email, "name": u.name, "role": u.role, "active": u.active}
                for u in users
            ]
        )
        return
    for user in users:
        click.echo(f"{user.email}  {user.role}{'' if user.active else '  disabled'}")
    if not users:
        click.echo("There are no users yet.")


@command.command("disable")
@click.argument("email")
@data_option
def disable(email: str, data: Path | None) -> None:
    """Keep somebody out: their sessions end and their tokens are refused, within seconds."""
    _set_active(email, data, active=False)


@command.command("enable")
@click.argument("email")
@data_option
def enable(email: str, data: Path | None) -> None:
    """Let somebody in again."""
    _set_active(email, data, active=True)


@command.command("link")
@click.argument("email")
@data_option
def link(email: str, data: Path | None) -> None:
    """Print a code for a link to choose a password with: /welcome?code=CODE. It works once."""
    with gate_of(data) as gate:
        click.echo(gate.invitations.add(_BY, gate.users.by_email(email).id))


def _set_active(email: str, data: Path | None, *, active: bool) -> None:
    with gate_of(data) as gate:
        user = gate.users.change(_BY, gate.users.by_email(email).id, active=active)
    click.echo(f"{user.email} is {'enabled' if active else 'disabled'}.")
