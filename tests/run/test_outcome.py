"""What the owner of a job hears of what the system refused."""

from __future__ import annotations

import errno
import os

import pytest

from frontdesk.run.outcome import no_room


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_told(number: int) -> None:
    failed = no_room(OSError(number, os.strerror(number), "/srv/data/secret"), "to train")
    assert failed.failure.reason == f"There is no room to train: {os.strerror(number)}."


def test_anything_else_is_no_business_of_theirs() -> None:
    with pytest.raises(PermissionError):
        no_room(PermissionError(errno.EACCES, "Permission denied", "/srv/data"), "to train")
