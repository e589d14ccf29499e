"""Tasks that wait without `time.sleep`, which does not work where a test gives a process a clock of its own."""

from __future__ import annotations

import threading
from typing import Annotated

import frontdesk as fd


class Doubling(fd.Model):
    """Doubles a number, after a pause where one is asked for."""

    task = "double"

    def predict(self, x: float = 1.0, pause_s: Annotated[float, fd.Number(ge=0, le=600)] = 0.0) -> float:
        pause(pause_s)
        return 2 * x


class Counter(fd.Model):
    """Counts, and answers with how far it came."""

    task = "count"

    def train(
        self,
        run: fd.Run,
        steps: Annotated[int, fd.Integer(ge=1, le=1000)] = 5,
        pause_s: Annotated[float, fd.Number(ge=0, le=60)] = 0.02,
    ) -> fd.Metrics:
        """Count to `steps`."""
        for step in range(steps):
            pause(pause_s)
            run.report(step=step + 1)
        (run.folder / "answer.txt").write_text(str(steps))
        return {"steps": steps}

    def load(self, version: fd.Version) -> None:
        self.answer = int((version.folder / "answer.txt").read_text())

    def predict(self) -> int:
        """Says it."""
        return self.answer


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)
