"""Jobs for the tests of the desk."""

from __future__ import annotations

from typing import Any

from frontdesk.desk.job import Lane, NewJob


def new_job(owner: str = "alice", fingerprint: str = "", **more: Any) -> NewJob:
    """A request of Alice's, unless somebody else is named."""
    usual = {"kind": Lane.PREDICT, "task": "double", "model": "m"}
    return NewJob(owner=owner, fingerprint=fingerprint, **{**usual, **more})
