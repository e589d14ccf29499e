"""`python -m faults MINUTES [--seed N]`: hurt a whole installation for so long, then judge.

The exit code is 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from faults.chaos import Chaos
from faults.evidence import events_of, jobs_of, unfinished
from faults.house import LEASE_S, house
from faults.judge import Verdict, judge
from faults.ledger import Ledger
from faults.load import Load
from support.server import until

_QUIET_S = 120.0  # within which all that was acknowledged must be done, once nothing is hurt any more
_RATE = 12.0


def main() -> int:
    """Hurt, wait, judge, tell."""
    options = _options()
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {what}", flush=True)

    say(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        verdict, injected = _night(Path(folder), options, say)
    for wrong in verdict.wrongs[:40]:
        say(f"WRONG: {wrong}")
    print(
        f"jobs acknowledged {verdict.acknowledged}, lost {verdict.lost}, "
        f"finished twice {verdict.finished_twice}, faults injected {injected}"
    )
    return 1 if verdict.wrongs or not verdict.acknowledged else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=10.0)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(2**31), help="repeat the faults of a run"
    )
    return parser.parse_args()


def _night(folder: Path, options: argparse.Namespace, say: Callable[[str], None]) -> tuple[Verdict, int]:
    with house(folder) as home:
        ledger = Ledger()
        load = Load(home.url, home.token, home.trust, ledger, options.seed, _RATE)
        say("the house stands; the load begins")
        load.start()
        chaos = Chaos(home.parts, random.Random(options.seed), freeze_s=2 * LEASE_S, pause_s=4.0, say=say)
        try:
            chaos.run(options.minutes * 60)
        except AssertionError as error:  # a part that did not come back is a finding, not an accident
            ledger.surprise(str(error))
        say("nothing is hurt any more")
        load.stop()
        try:
            until(lambda: not unfinished(home.database), _QUIET_S, "the end of all jobs", every_s=0.5)
        except AssertionError as error:
            ledger.surprise(str(error))
        time.sleep(2)  # for the last events to be told
        load.stop_listening()
        say(f"answers by status: {dict(sorted(ledger.replies.items()))}")
        return judge(ledger, jobs_of(home), events_of(home)), chaos.injected


if __name__ == "__main__":
    sys.exit(main())
