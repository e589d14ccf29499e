"""How the house grows: two workers instead of one on each engine, and a table that fills up.

    python bench/scale.py [--jobs 4000] [--rows 400000] [--only NAME ...]
    python bench/scale.py --growth [--levels 0 100000 1000000] [--rounds 5]

The first form starts a server with one worker, then with two: `local` on SQLite, `redis` on PostgreSQL with workers
that are processes of their own; `ray` has one worker and a cluster of one node, then of two. Trivial jobs are handed in
over HTTP through 16 connections; files of ten columns come as CSV, as many at once as there are workers or nodes. All
of it shares the cores of this machine, database and client included.

The second takes a job's whole life at the desk (submit, claim, settle) with so many jobs in the table already, on
SQLite, PostgreSQL and MariaDB. The servers are told to look at their statistics after each filling, as they do by
themselves in time. Every database syncs to the disk before it acknowledges.
"""

from __future__ import annotations

import argparse
import sys

from harness import growth, throughput


def main() -> None:
    options = _options()
    if options.growth:
        growth.measure(options.levels, options.rounds, options.only)
    else:
        throughput.measure(options.jobs, options.rows, options.only)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--growth", action="store_true", help="fill the table instead of adding workers")
    parser.add_argument("--jobs", type=int, default=4000)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--levels", type=int, nargs="+", default=[0, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="names of the engines or databases to measure")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
