"""What all commands share, and those that need no server."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from frontdesk.cli import cli
from support.receivers import mail_server
from support.server import Server, serving
from support.servers.objects import ObjectServer

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

COMMANDS = (
    "serve",
    "worker",
    "predict",
    "batch",
    "train",
    "jobs",
    "users",
    "tokens",
    "pull",
    "new",
    "doctor",
)


# --------------------------------------------------------------------------------- help


def test_help_names_every_command(shell: Shell) -> None:
    shown = shell("--help").stdout
    assert re.findall(r"^  (\w+) ", shown.split("Commands:")[1], re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does_and_takes_data_where_it_touches_an_installation(name: str) -> None:
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command.help
    parts = list(command.commands.values()) if name in ("jobs", "users", "tokens") else [command]
    for part in parts:
        assert part.help, part.name
        options = {option: parameter for parameter in part.params for option in parameter.opts}
        if name not in ("pull", "new"):
            assert options["--data"].envvar == "FRONTDESK_DATA"
        if "--url" in options:
            assert options["--token"].envvar == "FRONTDESK_TOKEN", part.name
        assert [o for o, parameter in options.items() if o.startswith("--") and not parameter.help] == []


def test_help_is_at_hand_at_once() -> None:
    program = "import sys; from frontdesk.cli import cli; cli(['--help'], standalone_mode=False); print(*sys.modules)"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert time.monotonic() - began < 2
    assert not {"numpy", "sqlalchemy", "starlette", "httpx"} & set(done.stdout.split())


def test_a_wrong_word_is_a_usage_error(shell: Shell) -> None:
    assert shell("sreve").returncode == 2
    assert shell("doctor", "--colour").returncode == 2


def test_a_wrong_setting_is_named(shell: Shell) -> None:
    done = shell("doctor", FRONTDESK_PORT="many")
    assert done.returncode == 1
    assert done.stderr == "frontdesk: port = 'many' is not a valid int.\n"


def test_a_port_that_is_taken_or_none_is_a_line(shell: Shell, repository: Path) -> None:
    clock = repository / "examples" / "clock.py"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = shell("serve", clock, "--port", port)
    assert (found.returncode, found.stderr.count("\n")) == (1, 1)
    assert f"Port {port} on 127.0.0.1 cannot be used" in found.stderr
    assert "they go from 0 to 65535" in shell("serve", clock, "--port", 70_000).stderr


def test_a_worker_is_told_which_tasks_and_lanes_there_are(shell: Shell, repository: Path) -> None:
    clock = repository / "examples" / "clock.py"
    wrong = shell("worker", clock, "--tasks", "clock,watch")
    assert (wrong.returncode, wrong.stderr) == (
        1, "frontdesk: There is no task watch; those there are: clock.\n",
    )  # fmt: skip
    wrong = shell("worker", clock, "--lanes", "predict", "--lanes", "fast")
    assert wrong.stderr == "frontdesk: There is no lane fast; those there are: predict, batch, train.\n"


def test_what_nobody_foresaw_is_a_line_too_and_can_be_seen_whole(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "frontdesk-data").mkdir()
    (tmp_path / "frontdesk-data" / "frontdesk.db").write_bytes(b"no database " * 1000)
    (tmp_path / "a.py").write_text(
        "import frontdesk as fd\n\n@fd.task\ndef a(x: int = 1) -> int:\n    return x\n"
    )
    done = shell("serve", "a.py", "--port", "0")
    assert done.returncode == 1
    assert "not a database" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in shell("serve", "a.py", "--port", "0", FRONTDESK_LOG_LEVEL="debug").stderr


# ---------------------------------------------------------------------------------- new


def test_what_new_makes_can_be_served_and_asked_at_once(shell: Shell, tmp_path: Path) -> None:
    assert (
        shell("new", "wind_chill").stdout
        == "Made wind_chill/model.py. Now run: frontdesk serve wind_chill --open\n"
    )
    with serving(tmp_path / "data", tmp_path / "wind_chill") as server:
        done = shell("predict", "wind_chill", "--temperature", "-5", "--data", server.data)
        assert done.stdout.splitlines()[0].endswith("cold"), done.stderr


@pytest.mark.parametrize("name", ["my-model", "class", "1st", "../up"])
def test_new_refuses_a_name_that_python_could_not_have(shell: Shell, name: str) -> None:
    done = shell("new", name)
    assert done.returncode == 2
    assert "cannot be a task's name" in done.stderr


def test_new_overwrites_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    done = shell("new", "mine")
    assert (done.returncode, done.stderr) == (1, "frontdesk: mine exists already; nothing was written.\n")


# --------------------------------------------------------------------------------- pull


def test_pull_finds_an_example_by_its_name_and_says_what_is_missing(shell: Shell, tmp_path: Path) -> None:
    done = shell("pull", "photos", "--check", "--models", tmp_path / "models")
    assert done.returncode == 1
    assert "models/squeezenet1.1_fp16.onnx is missing; it is public at https://" in done.stdout
    assert not (tmp_path / "models").exists()


def test_pull_fetches_nothing_that_is_there(shell: Shell, test_data: Path) -> None:
    done = shell("pull", "photos", "--json", FRONTDESK_MODELS=str(test_data))
    assert (done.returncode, done.stderr) == (0, "21 of 21 files are there already.\n")
    assert all(file["is_there"] for file in json.loads(done.stdout))


def test_pull_refuses_what_has_no_list(shell: Shell) -> None:
    done = shell("pull", "nothing")
    assert done.returncode == 1
    assert "has no pull.toml" in done.stderr


def test_pull_says_so_when_there_is_no_network(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    list_ = "[[file]]\npath = 'a.bin'\nurl = 'https://nowhere.invalid/a'\nsha256 = '{}'\nsize = 1\n"
    (tmp_path / "mine" / "pull.toml").write_text(list_.format("0" * 64))
    done = shell("pull", "mine")
    assert done.returncode == 1
    assert "nowhere.invalid cannot be reached" in done.stderr
    assert "Run the same command again" in done.stderr


# ------------------------------------------------------------------------------- doctor


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    assert "Traceback" not in done.stderr
    return {finding["what"]: finding for finding in json.loads(done.stdout)}


def test_doctor_finds_a_bare_place_well(shell: Shell, tmp_path: Path) -> None:
    done = shell("doctor", FRONTDESK_PORT="0")
    wrong = {what for what, finding in findings(shell("doctor", "--json", FRONTDESK_PORT="0")).items()
             if not finding["is_well"]}  # fmt: skip
    assert wrong <= {"Pages", "Left processes"}  # of which tests beside this one may be the cause
    assert "not made yet" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_doctor_finds_the_server_that_runs(shell: Shell, server: Server) -> None:
    found = findings(shell("doctor", "--json", "--data", server.data))
    assert str(found["Server"]["told"]).startswith(server.url)
    assert found["Database"]["is_well"]
    assert "sound" in str(found["Database"]["told"])


def test_doctor_names_a_taken_port(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = shell("doctor", FRONTDESK_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is in use" in done.stdout
    assert "--port" in done.stdout


def test_doctor_names_a_damaged_and_a_newer_database(shell: Shell, tmp_path: Path) -> None:
    data = tmp_path / "frontdesk-data"
    data.mkdir()
    (data / "frontdesk.db").write_bytes(b"no database " * 1000)
    damaged = findings(shell("doctor", "--json", FRONTDESK_PORT="0"))["Database"]
    assert not damaged["is_well"]
    assert "backup" in str(damaged["mend"])
    (data / "frontdesk.db").unlink()
    with sqlite3.connect(data / "frontdesk.db") as connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('9999')")
    connection.close()
    newer = findings(shell("doctor", "--json", FRONTDESK_PORT="0"))["Database"]
    assert "newer frontdesk" in str(newer["told"])


def test_doctor_names_a_data_folder_that_cannot_be_written(shell: Shell) -> None:
    found = findings(shell("doctor", "--json", "--data", "/proc/frontdesk", FRONTDESK_PORT="0"))
    assert not found["Data folder"]["is_well"]


def test_doctor_names_processes_that_a_server_left(shell: Shell) -> None:
    program = "import sys, time; time.sleep(60)"
    # Its parent is this test, which is no server.
    with subprocess.Popen([sys.executable, "-c", program, "frontdesk.host.process"]) as left:
        try:
            found = findings(shell("doctor", "--json", FRONTDESK_PORT="0"))["Left processes"]
        finally:
            left.kill()
    assert str(left.pid) in str(found["mend"])


def test_doctor_leaves_alone_what_works_for_a_cluster(shell: Shell) -> None:
    program = (
        f"""'{sys.executable}' -c 'import time; time.sleep(60)' frontdesk.host.process & echo $!; wait"""
    )
    actor = subprocess.Popen(
        ["ray::HostActor.exchange"], executable="/bin/sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    with actor:
        assert actor.stdin is not None
        assert actor.stdout is not None
        actor.stdin.write(f"{program}\n")
        actor.stdin.close()
        try:
            host = actor.stdout.readline().strip()
            found = findings(shell("doctor", "--json", FRONTDESK_PORT="0"))["Left processes"]
        finally:
            os.killpg(actor.pid, signal.SIGKILL)
    assert host
    assert host not in str(found["mend"]).split()


def test_doctor_speaks_to_the_mail_server(shell: Shell, tmp_path: Path) -> None:
    with mail_server() as box:
        mail = {
            "FRONTDESK_SMTP_HOST": "127.0.0.1",
            "FRONTDESK_MAIL_FROM": "desk@example.org",
            "FRONTDESK_PORT": "0",
        }
        port = {"FRONTDESK_SMTP_PORT": str(box.port)}
        none = {"FRONTDESK_SMTP_SECURITY": "none"}
        assert findings(shell("doctor", "--json", **mail, **port, **none))["Mail server"]["is_well"]
        without_tls = findings(shell("doctor", "--json", **mail, **port))["Mail server"]
        assert not without_tls["is_well"]
        assert "STARTTLS" in without_tls["told"]
    gone = findings(shell("doctor", "--json", **mail, **port, **none))["Mail server"]
    assert not gone["is_well"]
    assert "FRONTDESK_SMTP_HOST" in gone["mend"]


def test_doctor_puts_something_into_the_bucket_and_takes_it_away_again(
    shell: Shell, object_server: ObjectServer
) -> None:
    object_server.make_bucket("doctor")
    settings = object_server.environment("doctor", "desk")
    found = findings(shell("doctor", "--json", **settings))["Bucket"]
    assert found["is_well"], found
    assert object_server.keys("doctor") == []
    for wrong in ({"FRONTDESK_S3_SECRET_KEY": "another"}, {"FRONTDESK_STORAGE": "s3://nothing-here"}):
        done = shell("doctor", "--json", **{**settings, **wrong})
        assert not findings(done)["Bucket"]["is_well"]
        assert "another" not in done.stdout + done.stderr
