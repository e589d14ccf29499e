"""Where the cluster is, as a setting says it."""

from __future__ import annotations

import importlib.util

from frontdesk.errors import SettingsError


def check_address(address: str) -> None:
    """Raise SettingsError for what is no address of a cluster, and without Ray."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(
            f"engine = 'ray' needs ray = 'HOST:PORT', where the head of a Ray cluster listens; it is {address!r}."
        )
    if importlib.util.find_spec("ray") is None:
        raise SettingsError("The engine `ray` needs a package more: pip install 'frontdesk[ray]'.")
