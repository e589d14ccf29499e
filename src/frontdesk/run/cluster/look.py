"""`python -m frontdesk.run.cluster.look ADDRESS`: what a worker of this machine would find at the cluster, as a line.

In a process of its own, which Ray may end.
"""

from __future__ import annotations

import subprocess
import sys

import msgspec

_PATIENCE_S = 40.0


class Sight(msgspec.Struct, frozen=True):
    """What was found: how many nodes and what they have, or the reason why none can be used."""

    nodes: int
    cpus: float = 0.0
    gpus: float = 0.0
    reason: str = ""


def look(address: str) -> Sight:
    """Look from a process of its own."""
    command = [sys.executable, "-m", "frontdesk.run.cluster.look", address]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Sight)
    except subprocess.TimeoutExpired:
        return Sight(0, reason=f"it does not answer within {_PATIENCE_S:g} s")
    except (IndexError, msgspec.DecodeError):
        return Sight(0, reason="the node of this machine is gone")


def main() -> None:
    """Look, and print it."""
    from frontdesk.run.cluster.connection import connect, nodes_now

    reason = connect(sys.argv[1])
    nodes = [] if reason else nodes_now()
    sight = Sight(len(nodes), sum(n.cpus for n in nodes), sum(n.gpus for n in nodes), reason)
    sys.stdout.write(msgspec.json.encode(sight).decode() + "\n")


if __name__ == "__main__":
    main()
