"""`frontdesk train`, beside a real server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.server import Server, serving

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def learning(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    tasks = repository / "tests" / "support" / "tasks"
    with serving(tmp_path_factory.mktemp("data"), tasks / "training.py", tasks / "pair.py") as server:
        yield server


def test_it_trains_and_says_what_came_of_it(shell: Shell, learning: Server) -> None:
    done = shell(
        "train", "learn", "--steps", "3", "--answer", "7", "--model", "learner", "--data", learning.data
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("version 1 of learner")
    assert "accuracy 0.5" in done.stdout
    again = shell("train", "learn", "--steps", "2", "--json", "--model", "learner", "--data", learning.data)
    assert json.loads(again.stdout)["outputs"]["version"] == 2


def test_it_learns_from_a_file_and_need_not_wait(shell: Shell, learning: Server, tmp_path: Path) -> None:
    (tmp_path / "known.csv").write_text("seen before\n1\n")
    done = shell(
        "train", "learn", "--from", "known.csv", "--no-wait", "--model", "learner", "--data", learning.data
    )
    job = learning.finished(done.stdout.strip())
    assert job["state"] == "succeeded"
    assert "learning from known.csv: seen before" in learning.http.get(f"/api/jobs/{job['id']}/log").text


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("learn", "--step", "3"), 2, "--steps"),
        (("learn", "--steps", "0"), 1, "steps"),
        (("learn", "--model", "nobody"), 1, "no model of that name"),
        (("pair",), 1, "No model of this task can be trained"),
        (("nothing",), 1, "no task"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    shell: Shell, learning: Server, words: tuple[str, ...], code: int, told: str
) -> None:
    done = shell("train", *words, "--data", learning.data)
    assert done.returncode == code, done.stdout
    assert told in done.stderr
    assert "Traceback" not in done.stderr
