"""Batch files: a spreadsheet in, the same with predictions out, beside pandas.

    python bench/batch.py [--rounds 3] [--rows 100000] [--long 5000000]

The model costs nothing (it adds one), so what is measured is the way of the rows: reading ten columns, checking and
converting one, asking, writing. frontdesk is measured as a client sees it: from handing in the file over HTTP until
the job has succeeded, durable on the way. pandas reads and writes in one process and keeps nothing. Rates are rows
a second over the whole way; ratios are taken within a round. At last the peak memory of the worker on a long file.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil

from harness import report, row_files
from harness.environments import BENCH, PeerMissing, environment, product
from harness.servers import free_port, running

PEERS = BENCH / "peers"
REQUIREMENTS = ["pandas==3.0.3", "openpyxl==3.1.5", "xlsxwriter==3.3.1"]
WAYS = (
    "frontdesk, CSV to Excel",
    "frontdesk, CSV to CSV",
    "pandas and openpyxl",
    "pandas and XlsxWriter",
    "pandas, CSV to CSV",
)


def main() -> None:
    options = _options()
    rates: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = row_files.write(folder / "rows.csv", options.rows)
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        command = [
            product() / "frontdesk", "serve", PEERS / "frontdesk_rows.py", "--port", str(port),
            "--data", folder / "data",
        ]  # fmt: skip
        env = {"FRONTDESK_ACCESS": "open"}
        with running(command, ready_url=address + "/readyz", log=folder / "frontdesk.log", env=env) as pid:
            row_files.answered(address, row_files.write(folder / "warm.csv", 100), "csv")
            for turn in range(options.rounds):
                for way in [*WAYS[turn % len(WAYS) :], *WAYS[: turn % len(WAYS)]]:
                    if way in missing:
                        continue
                    print(f"round {turn + 1}: {way}", file=sys.stderr)
                    try:
                        rates.setdefault(way, []).append(_measure(way, address, source, folder, options.rows))
                    except PeerMissing as reason:
                        missing[way] = str(reason)
            long = row_files.write(folder / "long.csv", options.long) if options.long else None
            memory = _memory(pid, address, long, options.long) if long else {}
    _tell({way: found for way, found in rates.items() if found}, missing, memory)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--long", type=int, default=5_000_000, help="rows of the long file; 0 leaves it out")
    return parser.parse_args()


def _measure(way: str, address: str, source: Path, folder: Path, rows: int) -> float:
    if way.startswith("frontdesk"):
        return rows / row_files.answered(address, source, "xlsx" if way.endswith("Excel") else "csv")
    engine = {"pandas and openpyxl": "openpyxl", "pandas and XlsxWriter": "xlsxwriter"}.get(way, "csv")
    bin_ = environment("pandas", REQUIREMENTS)
    target = folder / f"out.{'csv' if engine == 'csv' else 'xlsx'}"
    done = subprocess.run(
        [bin_ / "python", PEERS / "pandas_batch.py", source, target, engine],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise PeerMissing(done.stderr.strip().rsplit("\n", 1)[-1])
    return float(done.stdout)


def _memory(pid: int, address: str, source: Path, rows: int) -> dict[str, float]:
    """The peak memory of each process of the server while it works on a long file."""
    processes = psutil.Process(pid).children(recursive=True)
    peaks: dict[int, int] = {}
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            for process in processes:
                if process.is_running():
                    peaks[process.pid] = max(peaks.get(process.pid, 0), process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    took_s = row_files.answered(address, source, "csv")
    is_over.set()
    watcher.join()
    return {"rows": rows, "rows_per_second": rows / took_s, "peak_mb": max(peaks.values()) / 2**20}


def _tell(rates: dict[str, list[float]], missing: dict[str, str], memory: dict[str, float]) -> None:
    figures: dict[str, Any] = {way: statistics.median(found) for way, found in rates.items()}
    base = "pandas and openpyxl"
    lines = []
    for way, found in rates.items():
        against = rates.get(base, [])
        ratios = [rate / other for rate, other in zip(found, against, strict=False)]
        lines.append([way, f"{figures[way]:,.0f}", f"{statistics.median(ratios):.1f}" if ratios else "–"])
    print("\nA file of ten columns, a model that adds one; medians over rounds\n")
    print(report.table(["way", "rows/s", f"times {base}"], lines))
    for way, reason in missing.items():
        print(f"{way}: not measured, {reason}")
    if memory:
        print(
            f"\n{memory['rows']:,.0f} rows, CSV to CSV: {memory['rows_per_second']:,.0f} rows/s, "
            f"at most {memory['peak_mb']:,.0f} MB in any one process"
        )
    path = report.save("batch", {"ways": figures, "long": memory, "not_measured": missing})
    print(f"\nSaved as {path}")


if __name__ == "__main__":
    main()
