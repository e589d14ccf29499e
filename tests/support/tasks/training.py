"""A task whose trainings do whatever a test needs: learn, fail, print, hang, leak, fill the disk."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from typing import Annotated, Literal

import frontdesk as fd

Trouble = Literal[
    "none", "raise", "exit", "kill", "segfault", "print", "hang", "leak", "disk", "write", "child"
]


class Learner(fd.Model):
    """Answers with what it was taught, and with what."""

    task = "learn"
    keeps_cancelled = False

    def train(
        self,
        run: fd.Run,
        answer: Annotated[int, fd.Integer(ge=0, le=1000)] = 1,
        steps: Annotated[int, fd.Integer(ge=1, le=1_000_000)] = 5,
        pause_s: Annotated[float, fd.Number(ge=0, le=60)] = 0.02,
        accuracy: float = 0.5,
        trouble: Trouble = "none",
    ) -> fd.Metrics:
        """Count to `steps`, on from where the checkpoint left off."""
        counted = run.checkpoints / "counted.txt"
        begin = int(counted.read_text()) if counted.exists() else 0
        run.log(f"beginning at {begin} in {os.getpid()}")
        if run.data:
            run.log(f"learning from {run.data.name}: {run.data.path.read_text().splitlines()[0]}")
        TROUBLES[trouble](run)
        for step in range(begin, steps):
            if run.cancelled:
                break
            time.sleep(pause_s)
            run.report(step=step + 1, loss=1 / (step + 1), val_loss=1.1 / (step + 1))
            run.progress(step + 1, steps)
            if step % 5 == 0:
                counted.write_text(str(step + 1))
        (run.folder / "answer.txt").write_text(str(answer))
        return {"accuracy": accuracy, "confusion": {"labels": ["a", "b"], "counts": [[3, 1], [0, 4]]}}

    def load(self, version: fd.Version) -> None:
        self.answer = int((version.folder / "answer.txt").read_text())

    def predict(self, pause_s: float = 0.0) -> int:
        """Says it."""
        if pause_s:
            time.sleep(pause_s)
        return self.answer


class Keeper(Learner):
    """Keeps what it had learned when it was cancelled."""

    task = "learn"
    keeps_cancelled = True
    goes_live = "higher accuracy"


class Hasty(Learner):
    """Reports as fast as it can, counts what it reported in a file of its own, and goes on from there."""

    task = "learn"

    def train(self, run: fd.Run, steps: Annotated[int, fd.Integer(ge=1)] = 300_000) -> fd.Metrics:
        """Nothing is learned."""
        path = run.checkpoints / "reported"
        path.touch()
        with path.open("r+b") as file:
            os.truncate(file.fileno(), 8)
            reported = mmap.mmap(file.fileno(), 8)
        (begin,) = struct.unpack("@q", reported)
        run.log(f"beginning at {begin} in {os.getpid()}")
        for step in range(begin + 1, steps + 1):
            run.report(step=step, loss=1 / step)
            struct.pack_into("@q", reported, 0, step)
        (run.folder / "answer.txt").write_text("1")
        return {}


def raise_error(run: fd.Run) -> None:
    print("about to divide")
    _ = 1 // 0


def die(run: fd.Run) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def print_much(run: fd.Run) -> None:
    for _ in range(100):
        print(("x" * 99 + "\n") * 10_485, end="")
    print("the last line")


def hang(run: fd.Run) -> None:
    while True:
        time.sleep(60)


def leak(run: fd.Run) -> None:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(2**20)) * 20)
        time.sleep(0.02)


def fill_disk(run: fd.Run) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    (run.folder / "big.bin").write_bytes(bytes(2**22))


def write_on(run: fd.Run) -> None:
    with (run.folder / "big.bin").open("wb") as big:
        while True:
            big.write(bytes(2**22))
            time.sleep(0.02)


def start_child(run: fd.Run) -> None:
    child = subprocess.Popen(["sleep", "600"])
    run.log(f"child {child.pid}")


TROUBLES: dict[str, Callable[[fd.Run], object]] = {
    "none": lambda run: None,
    "raise": raise_error,
    "exit": lambda run: os._exit(3),
    "kill": die,
    "segfault": lambda run: ctypes.string_at(0),
    "print": print_much,
    "hang": hang,
    "leak": leak,
    "disk": fill_disk,
    "write": write_on,
    "child": start_child,
}
