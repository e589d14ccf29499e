"""`python -I tether.py FOLDER COMMAND...`: runs a command that ends when whoever started it ends, however that was.

Standard input is held open by the starter; its end says that the starter is gone. All processes of the command are in
one group with this one, and are ended together. FOLDER is for sockets, and is removed. It imports nothing of ours: it
is to be small, and to start in a moment.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def main(folder: str, command: list[str]) -> None:
    """Run it; exit as it exits, with 128 and the signal where one ended it."""
    own = os.getpid()
    child = os.fork()
    if child == 0:
        if sys.platform == "linux":  # where even the end of this process must not leave it behind
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != own:
            os._exit(1)
        try:
            os.execvp(command[0], command)  # noqa: S606  that is what we are for
        except OSError as error:
            sys.stderr.write(f"frontdesk: {command[0]} cannot be started: {error.strerror}\n")
            sys.stderr.flush()
            os._exit(127)
    threading.Thread(target=_end_with_starter, args=(folder,), daemon=True).start()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)


def _end_with_starter(folder: str) -> None:
    while os.read(0, 4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
