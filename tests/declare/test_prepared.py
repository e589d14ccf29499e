"""Structs that several threads decode for the first time at once."""

from __future__ import annotations

import subprocess
import sys

# Threads give way to each other as often as can be, so without preparation this process ends by a signal.
PROGRAM = """
import sys, threading
import msgspec
from frontdesk.declare.prepared import prepare_structs

def kind(number):
    inner = msgspec.defstruct(f"Inner{number}", [("a", int), ("b", list[str])], module="frontdesk.tests")
    fields = [(name, inner) for name in "abcdefgh"]
    return msgspec.defstruct(f"Outer{number}", fields, module="frontdesk.tests")

kinds = [kind(number) for number in range(200)]
data = msgspec.json.encode({name: {"a": 1, "b": ["x"]} for name in "abcdefgh"})
prepare_structs()
sys.setswitchinterval(1e-6)
together = threading.Barrier(4)

def decode_all():
    for kind in kinds:
        together.wait()
        msgspec.json.decode(data, type=kind)

threads = [threading.Thread(target=decode_all) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("well")
"""


def test_threads_may_decode_a_prepared_struct_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "well\n"), done.stderr
