"""LeNet-5 on MNIST: frontdesk's digits example beside a plain Keras fit and a plain PyTorch loop.

    python bench/train.py [--rounds 3] [--target 0.985] [--models FOLDER]

All three have the same network, batch size and optimizer (Adam), learn from 55,000 pictures and measure themselves on
5,000 others after each epoch. frontdesk trains as a person sees it: in a process of its own, started over HTTP, with
reports, checkpoints and its recommended settings; the others with their defaults. The 10,000 test pictures are looked
at between epochs, off the clock, until `--target` of them are right. At last: what reporting costs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

from harness import report
from harness.environments import BENCH, REPOSITORY, PeerMissing, environment, product
from harness.servers import free_port, running

PEERS = BENCH / "peers"
KERAS = ["tensorflow-cpu==2.21.0"]
EPOCHS, BATCH_SIZE = 12, 32
FRONTDESK = "frontdesk, reports on"
COSTS = ("paired_percent", "paired_margin", "pairs", "call_us", "calls_percent")
WAYS = (FRONTDESK, "Keras fit", "PyTorch DataLoader")


def main() -> None:
    options = _options()
    found: dict[str, list[dict[str, float]]] = {}
    missing: dict[str, str] = {}
    if find_spec("torch") is None:
        sys.exit("frontdesk's digits learn with PyTorch: pip install 'frontdesk[torch]'")
    if not _pictures(options.models).is_file():
        sys.exit(
            f"There is no {_pictures(options.models)}: run frontdesk pull examples/digits, or name --models."
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        command = [
            product() / "frontdesk", "serve", PEERS / "frontdesk_digits.py", "--port", str(port),
            "--data", folder / "data",
        ]  # fmt: skip
        env = {"FRONTDESK_ACCESS": "open", "FRONTDESK_MODELS": str(options.models.resolve())}
        with running(command, ready_url=address + "/readyz", log=folder / "frontdesk.log", env=env):
            for turn in range(options.rounds):
                for way in [*WAYS[turn % len(WAYS) :], *WAYS[: turn % len(WAYS)]]:
                    if way in missing:
                        continue
                    print(f"round {turn + 1}: {way}", file=sys.stderr)
                    try:
                        found.setdefault(way, []).append(_measure(way, address, options, turn))
                    except PeerMissing as reason:
                        missing[way] = str(reason)
    _tell({way: rounds for way, rounds in found.items() if rounds}, missing, options.target)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--target", type=float, default=0.985, help="the part of the test pictures to get right"
    )
    shared = REPOSITORY.parent / "shared" / "data"
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("FRONTDESK_MODELS", shared)))
    return parser.parse_args()


def _pictures(models: Path) -> Path:
    return models / "mnist" / "mnist.npz"


def _measure(way: str, address: str, options: argparse.Namespace, turn: int) -> dict[str, float]:
    if way == FRONTDESK:
        return _frontdesk(address, options.target, compares=turn == options.rounds - 1)
    python, script = (
        (environment("keras", KERAS) / "python", "keras_digits.py")
        if way.startswith("Keras")
        else (Path(sys.executable), "torch_digits.py")
    )
    asked = [_pictures(options.models), turn, options.target, EPOCHS, BATCH_SIZE]
    done = subprocess.run(
        [python, PEERS / script, *map(str, asked)], capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode != 0:
        raise PeerMissing(done.stderr.strip().rsplit("\n", 1)[-1])
    measured: dict[str, float] = json.loads(done.stdout.strip().rsplit("\n", 1)[-1])
    return measured


def _frontdesk(address: str, target: float, *, compares: bool) -> dict[str, float]:
    settings = {"target": target, "epochs": EPOCHS, "batch_size": BATCH_SIZE, "compares": compares}
    with httpx.Client(base_url=address, timeout=60) as http:
        answer = http.post("/api/tasks/timed_digits/train", json={"parameters": settings})
        assert answer.status_code == 202, answer.text
        job = answer.json()
        while job["state"] in ("queued", "running"):
            job = http.get(f"/api/jobs/{job['id']}", params={"wait": 30}).json()
    assert job["state"] == "succeeded", job["error"]
    metrics: dict[str, float] = job["outputs"]["metrics"]
    return metrics


def _tell(found: dict[str, list[dict[str, float]]], missing: dict[str, str], target: float) -> None:
    ours = found[FRONTDESK]
    figures: dict[str, Any] = {}
    lines = []
    for way, rounds in found.items():
        pairs = list(zip(rounds, ours, strict=False))
        figures[way] = {
            "epoch_s": statistics.median(one["epoch_s"] for one in rounds),
            "to_target_s": statistics.median(one["to_target_s"] for one in rounds),
            "epochs": statistics.median(one["epochs"] for one in rounds),
            "times_frontdesk_epoch": statistics.median(one["epoch_s"] / our["epoch_s"] for one, our in pairs),
            "times_frontdesk_to_target": statistics.median(
                one["to_target_s"] / our["to_target_s"] for one, our in pairs
            ),
            "reached_target": sum(one["accuracy"] >= target for one in rounds) / len(rounds),
        }
        of = figures[way]
        lines.append(
            [
                way, f"{of['epoch_s']:.2f}", f"{of['times_frontdesk_epoch']:.2f}", f"{of['to_target_s']:.1f}",
                f"{of['epochs']:.0f}", f"{of['times_frontdesk_to_target']:.2f}", f"{100 * of['reached_target']:.0f} %",
            ]
        )  # fmt: skip
    percent = f"{100 * target:.1f} %"
    headings = [
        "training", "s an epoch", "times frontdesk", f"s to {percent}", "epochs", "times frontdesk", "got there",
    ]  # fmt: skip
    print(f"\nLeNet-5 on MNIST, batches of {BATCH_SIZE}, Adam; medians over rounds, ratios within rounds\n")
    print(report.table(headings, lines))
    for way, reason in missing.items():
        print(f"{way}: not measured, {reason}")
    cost = {name: ours[-1][name] for name in COSTS}
    print("\nWhat reporting costs the training, in processor time of its thread\n")
    print(
        report.table(
            ["measured", "%", "with"],
            [
                [
                    "stretches with and without, in turn",
                    f"{cost['paired_percent']:+.2f} ± {cost['paired_margin']:.2f}",
                    f"{cost['pairs']:.0f} pairs",
                ],
                [
                    "what its calls take",
                    f"{cost['calls_percent']:.4f}",
                    f"{cost['call_us']:.2f} us a call",
                ],
            ],
        )
    )
    path = report.save(
        "train", {"target": target, "ways": figures, "reporting": cost, "not_measured": missing}
    )
    print(f"\nSaved as {path}")


if __name__ == "__main__":
    main()
