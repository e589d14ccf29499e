"""What the nodes of a cluster have in common where that is no folder but a bucket."""

from __future__ import annotations

import importlib.util
import socket
from dataclasses import replace
from pathlib import Path
from typing import Self

import msgspec

from frontdesk.errors import ModelBroken
from frontdesk.store.storage import BucketPlace, Storage


class SharedStorage(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket, and how much of it a node keeps at hand (`cache_bytes`, 0: no limit).

    No keys are in it: they would stand in the tables of Ray's head. Each node finds its own where Amazon's own tools
    look.
    """

    bucket: BucketPlace
    cache_bytes: int

    @classmethod
    def of(cls, bucket: BucketPlace | None, cache_bytes: int) -> Self | None:
        """What is told to nodes; nothing where there is no bucket."""
        if bucket is None:
            return None
        return cls(bucket=replace(bucket, access_key="", secret_key=""), cache_bytes=cache_bytes)

    def open(self) -> Storage:
        """The bucket as it is reached from this node. Raises ModelBroken."""
        if importlib.util.find_spec("obstore") is None:
            raise ModelBroken(
                f"The node {socket.gethostname()} needs a package more: pip install 'frontdesk[s3]'."
            )
        return Storage.at(home(), self.bucket, self.cache_bytes)


def home() -> Path:
    """Where a node keeps what it fetches, and works on what it sends: its own, also where machines share homes."""
    return Path.home() / ".cache" / "frontdesk" / socket.gethostname()
