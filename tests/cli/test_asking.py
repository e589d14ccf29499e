"""`frontdesk predict` and `frontdesk jobs`, beside a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from support.server import Server

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def printed(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def refused(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


# ------------------------------------------------------------------------------ predict


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ([], "open, small, '', T"),
        (["--text", "5", "--size", "large"], "5, large, '', T"),
        (["--loud", "--text", "shut"], "SHUT, small, '', T"),
        (["--loud", "false", "--text=a=b"], "a=b, small, '', T"),
        (["--note", "null"], "open, small, None, T"),
        (["--text", "@@home"], "@home, small, '', T"),
        (["--", "--model", "Q"], "open, small, '', Q"),
    ],
)
def test_words_become_inputs_by_the_schema(ask: Shell, words: list[str], answer: str) -> None:
    assert printed(ask("predict", "sign", *words)) == f"answer: {answer}"


def test_it_takes_text_from_a_file(ask: Shell, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("from a file")
    assert "from a file" in printed(ask("predict", "sign", "--text", "@text.txt"))


def test_it_sends_a_picture_as_a_file_with_numbers_beside_it(ask: Shell, tmp_path: Path) -> None:
    Image.new("L", (4, 4), 255).save(tmp_path / "white.png")
    done = ask("predict", "brightness", "--picture", "@white.png", "--factor", "0.5")
    assert printed(done) == "answer: 50 %"


def test_it_takes_a_table_as_json_and_prints_one(ask: Shell, tmp_path: Path) -> None:
    rows = [{"pears": 1, "apples": 2}, {"pears": 10, "apples": 20}]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    assert printed(ask("predict", "total", "--rows", "@rows.json")).splitlines() == [
        "column  sum",
        "pears   11",
        "apples  22",
    ]


def test_json_is_what_the_server_said(ask: Shell) -> None:
    answer = json.loads(printed(ask("predict", "slow", "--json")))
    assert answer["outputs"] == {"answer": {"slept_s": 0}}
    assert (answer["model"], answer["version"]) == ("slow", 1)


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["nothing"], 1, "frontdesk: There is no task of that name."),
        (["sign", "--size", "huge"], 1, "frontdesk: size: "),
        (["sign", "--colour", "red"], 2, "--colour is no input of this task; it has --text, --loud"),
        (["sign", "--text"], 2, "--text needs a value"),
        (["sign", "--text", "@nowhere.txt"], 1, "frontdesk: There is no file nowhere.txt."),
        (["brightness"], 1, "frontdesk: picture: "),
        (["slow", "--fails"], 1, "RuntimeError: as it was told to"),
        (["slow", "--model", "fast"], 1, "There is no model of that name"),
        ([], 2, "Missing argument 'TASK'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(ask: Shell, words: list[str], code: int, reason: str) -> None:
    assert reason in refused(ask("predict", *words), code)


def test_without_a_server_it_says_how_to_start_one(shell: Shell, tmp_path: Path) -> None:
    assert "Start one with `frontdesk serve`" in refused(
        shell("predict", "sign", "--data", tmp_path / "none")
    )
    gone = refused(shell("predict", "sign", "--url", "http://127.0.0.1:9"))
    assert gone.startswith("frontdesk: No server can be reached at http://127.0.0.1:9")


def test_it_finds_another_server_by_its_address(shell: Shell, server: Server) -> None:
    assert "open" in printed(shell("predict", "sign", "--url", server.url))


# --------------------------------------------------------------------------------- jobs


def test_a_ticket_can_be_awaited_shown_listed_archived_and_removed(ask: Shell) -> None:
    ticket = printed(ask("predict", "slow", "--pause-s", "0.2", "--no-wait"))
    assert '{"slept_s": 0.2}' in printed(ask("jobs", "wait", ticket))
    assert "state        succeeded" in printed(ask("jobs", "show", ticket))
    assert ticket in printed(ask("jobs", "list", "--task", "slow", "--state", "succeeded"))
    assert printed(ask("jobs", "archive", ticket)) == f"{ticket} is succeeded and archived."
    assert ticket not in printed(ask("jobs", "list"))
    assert [job["id"] for job in json.loads(printed(ask("jobs", "list", "--archived", "--json")))] == [ticket]
    assert printed(ask("jobs", "unarchive", ticket)) == f"{ticket} is succeeded."
    assert printed(ask("jobs", "remove", ticket)) == f"{ticket} is removed."
    assert refused(ask("jobs", "show", ticket)).startswith("frontdesk: ")


def test_work_can_be_cancelled_and_tried_again(ask: Shell) -> None:
    ticket = printed(ask("predict", "slow", "--pause-s", "30", "--no-wait"))
    assert "is still" in refused(ask("jobs", "wait", ticket, "--timeout", "0.1"))
    assert printed(ask("jobs", "cancel", ticket)) == f"{ticket} is cancelled."
    assert "cancelled" in refused(ask("jobs", "wait", ticket))
    assert printed(ask("jobs", "retry", ticket)) in (f"{ticket} is queued.", f"{ticket} is running.")
    assert json.loads(printed(ask("jobs", "cancel", ticket, "--json")))["state"] == "cancelled"


def test_a_failed_job_ends_the_waiting_with_its_reason(ask: Shell) -> None:
    ticket = printed(ask("predict", "slow", "--fails", "--no-wait"))
    assert "as it was told to" in refused(ask("jobs", "wait", ticket))


def test_an_empty_list_says_so(ask: Shell) -> None:
    assert printed(ask("jobs", "list", "--task", "nothing")) == "There are no such jobs."
