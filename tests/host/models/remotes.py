"""Models whose answers come from elsewhere, or do not come."""

from __future__ import annotations

import os

import frontdesk as fd


class _Patient(fd.RemoteModel):
    answers_within_s = 0.4
    pause_s = 0.5

    def predict(self, text: str = "hello") -> str: ...  # type: ignore[empty-body]


class Started(_Patient):
    task = "started"
    command = ("node", "faraway.js")


class Found(_Patient):
    task = "found"
    url = f"http://127.0.0.1:{os.environ.get('FARAWAY_PORT', '9')}"


class Missing(_Patient):
    task = "missing"
    command = ("no-such-language", "server.nsl")


class Mute(_Patient):
    task = "mute"
    command = ("sleep", "1000")
    starts_within_s = 0.3
