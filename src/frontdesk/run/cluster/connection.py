"""In a process that speaks Ray: reaching the cluster, noticing that it is lost, and what it has."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from typing import Any

import psutil
import ray

from frontdesk.declare.resources import Resources

_KNOCK_EVERY_S = 1.0
_KNOCK_PATIENCE_S = 2.0
_KNOCKS = 3


def connect(address: str) -> str:
    """Become a driver of the cluster; give the reason why not, empty when all is well."""
    try:
        # Ray itself waits for long, and then ends the process.
        _knock(address)
        ray.init(
            address=address, namespace="frontdesk", log_to_driver=False, logging_level=logging.ERROR,
            configure_logging=False,
        )  # fmt: skip
    except OSError as error:
        return f"nothing answers at {address} ({error.strerror or error})"
    except Exception as error:  # noqa: BLE001  Ray raises many kinds, and each is a reason to wait
        return first_line_of(error)
    return ""


def first_line_of(error: Exception) -> str:
    """An error of Ray's in one line; the rest is stacks and advice."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def raylet_of_this_node() -> psutil.Process | None:
    """The process that Ray's library cannot be without: it ends this one when it finds that gone."""
    node = ray._private.worker.global_worker.node
    name = node.raylet_socket_name if node else ""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if words and words[0].endswith("raylet") and f"--raylet_socket_name={name}" in words:
                return process
    return None


def loss(address: str, raylet: psutil.Process | None) -> str:
    """Wait until the cluster is lost; say how."""
    failed = 0
    while failed < _KNOCKS:
        time.sleep(_KNOCK_EVERY_S)
        if raylet is not None and _has_ended(raylet):
            return "the node of this machine is gone"
        try:
            _knock(address)
            failed = 0
        except OSError:
            failed += 1
    return f"the head at {address} does not answer any more"


def _has_ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _knock(address: str) -> None:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=_KNOCK_PATIENCE_S):
        pass


def nodes_now() -> list[Resources]:
    """What each node of the cluster has in all."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [_resources(node["Resources"]) for node in nodes if node["Alive"]]


def free_now() -> Resources:
    """What is free on all nodes together."""
    free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    return _resources(free)


def _resources(of: dict[str, float]) -> Resources:
    """In our words."""
    return Resources(of.get("CPU", 0.0), of.get("GPU", 0.0), int(of.get("memory", 0)) >> 20)
