"""`frontdesk users` and `tokens`: an installation set up without a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.server import serving

CLOCK = Path(__file__).resolve().parents[2] / "examples" / "clock.py"


def run(data: Path, *words: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", *words, "--data", str(data)],
        input=typed, capture_output=True, text=True, check=False, env={**_environment(), **environment},
    )  # fmt: skip


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "FRONTDESK_TOKEN"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_an_installation_is_set_up_without_a_browser(data: Path) -> None:
    made = run(
        data,
        "users",
        "add",
        "Ada@Example.org",
        "--role",
        "admin",
        "--password-stdin",
        typed="a long password\n",
    )
    assert (made.returncode, made.stdout) == (0, "ada@example.org is added; the role is admin.\n")
    printed = run(data, "tokens", "add", "ada@example.org", "--name", "nightly").stdout
    assert printed.startswith("fd_")
    assert printed.count("\n") == 1
    token = printed.strip()
    with serving(data, CLOCK, FRONTDESK_ACCESS="accounts") as server:
        assert "There are no users yet" not in server.log_text()
        assert run(data, "jobs", "list").stderr == "frontdesk: Sign in, or send a token, to do this.\n"
        assert run(data, "jobs", "list", FRONTDESK_TOKEN=token).stdout == "There are no such jobs.\n"
        asked = run(data, "predict", "clock", "--token", token)
        assert asked.returncode == 0, asked.stderr
        listed = run(data, "tokens", "list", "ada@example.org").stdout
        assert token not in listed
        assert run(data, "tokens", "revoke", listed.split()[0]).returncode == 0
        time.sleep(4)
        assert run(data, "jobs", "list", FRONTDESK_TOKEN=token).returncode == 1
        assert token not in server.log_text()


def test_what_cannot_be_is_said_in_a_line(data: Path) -> None:
    assert run(data, "users", "list").stdout == "There are no users yet.\n"
    assert run(data, "tokens", "add", "nobody@example.org", "--name", "x").stderr.count("\n") == 1
    weak = run(data, "users", "add", "a@example.org", "--password-stdin", typed="short\n")
    assert (weak.returncode, weak.stderr) == (
        1,
        "frontdesk: /password: A password has at least 10 characters.\n",
    )
    assert run(data, "users", "add", "a@example.org", "--role", "admin").returncode == 0
    twice = run(data, "users", "add", "A@example.org")
    assert twice.stderr == "frontdesk: There is a user a@example.org already.\n"
    last = run(data, "users", "disable", "a@example.org")
    assert "the only administrator" in last.stderr


def test_the_first_start_prints_a_link_until_there_is_somebody(data: Path) -> None:
    with serving(data, CLOCK, FRONTDESK_ACCESS="accounts") as server:
        assert "/welcome?code=" in server.log_text()
        assert server.http.get("/api/tasks").status_code == 401
    run(data, "users", "add", "a@example.org", "--password-stdin", typed="a long password\n")
    (data / "server.log").write_text("")
    with serving(data, CLOCK, FRONTDESK_ACCESS="accounts") as server:
        assert "/welcome" not in server.log_text()


def test_without_sign_in_it_listens_on_this_machine_alone(data: Path) -> None:
    refused = run(data, "serve", str(CLOCK), "--open", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 1
    assert "whoever can connect may do everything" in refused.stderr


def test_with_sign_in_it_listens_elsewhere_under_names_it_was_told(data: Path) -> None:
    options = ["--host", "0.0.0.0"]
    environment = {"FRONTDESK_ACCESS": "accounts", "FRONTDESK_ALLOWED_HOSTS": "desk.example"}
    with serving(data, CLOCK, options=options, **environment) as server:
        for host, status in (("desk.example", 200), ("evil.example", 403), ("0.0.0.0", 403)):
            assert server.http.get("/livez", headers={"Host": host}).status_code == status
