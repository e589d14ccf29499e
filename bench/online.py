"""Online predictions: frontdesk beside other servers of models, all with the same model file.

    python bench/online.py [--rounds 5] [--seconds 5] [--only NAME ...]

Every server runs as it comes, with one process that has the model, and is loaded by wrk over 16
connections with the measurements of real flowers. A round takes each server once, in an order that
turns from round to round, so that what else the machine does is shared. Ratios are taken within a
round; the table shows medians over the rounds. Needs wrk; peers are installed at first use.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import iris, report, wrk
from harness.environments import BENCH, PeerMissing, environment, product
from harness.servers import free_port, running

CONNECTIONS = 16
PEERS = BENCH / "peers"


@dataclass(frozen=True, slots=True)
class Contender:
    """One server: how it is started, where it answers, what it is sent and what its answer must hold."""

    name: str
    requirements: tuple[str, ...]
    command: Callable[[Path, int, Path], Sequence[str | Path]]
    path: str
    ready: str
    body: Callable[[list[float]], Any]
    env: Mapping[str, str] = field(default_factory=dict)


def _named(row: list[float]) -> dict[str, float]:
    return dict(zip(iris.MEASUREMENTS, row, strict=True))


def _frontdesk(web_workers: int) -> Contender:
    return Contender(
        name=f"frontdesk ({web_workers} web worker{'s' if web_workers > 1 else ''})",
        requirements=(),
        command=lambda bin_, port, folder: [
            bin_ / "frontdesk", "serve", PEERS / "frontdesk_flowers.py", "--open", "--port", str(port),
            "--data", folder / f"frontdesk-{web_workers}", "--web-workers", str(web_workers),
        ],
        path="/api/tasks/flowers/predict",
        ready="/readyz",
        body=lambda row: {"inputs": _named(row)},
    )  # fmt: skip


def _fastapi(name: str, path: str) -> Contender:
    return Contender(
        name=name,
        requirements=("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "onnxruntime==1.31.1", "numpy==2.4.6"),
        command=lambda bin_, port, _: [
            bin_ / "uvicorn",
            "fastapi_app:app",
            "--port",
            str(port),
            "--no-access-log",
        ],
        path=path,
        ready="/ready",
        body=_named,
    )


def _mlserver_command(bin_: Path, port: int, folder: Path) -> Sequence[str | Path]:
    model = folder / "mlserver"
    model.mkdir(exist_ok=True)
    settings = {
        "host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
        "parallel_workers": 0, "debug": False,
    }  # fmt: skip
    (model / "settings.json").write_text(json.dumps(settings))
    (model / "model-settings.json").write_text(
        json.dumps({"name": "flowers", "implementation": "mlserver_runtime.IrisRuntime"})
    )
    return [bin_ / "mlserver", "start", model]


CONTENDERS = (
    _frontdesk(1),
    _frontdesk(2),
    _fastapi("FastAPI + pydantic", "/predict"),
    _fastapi("FastAPI + pydantic, async", "/predict-on-the-loop"),
    Contender(
        name="MLServer",
        requirements=("mlserver==1.7.1", "onnxruntime==1.31.1", "numpy==2.4.6"),
        command=_mlserver_command,
        path="/v2/models/flowers/infer",
        ready="/v2/models/flowers/ready",
        body=lambda row: {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": row}]},
    ),
    Contender(
        name="LitServe",
        requirements=("litserve==0.2.19", "onnxruntime==1.31.1", "numpy==2.4.6"),
        command=lambda bin_, port, _: [bin_ / "python", PEERS / "litserve_server.py", str(port)],
        path="/predict",
        ready="/health",
        body=_named,
    ),
    Contender(
        name="BentoML",
        requirements=("bentoml==1.4.39", "onnxruntime==1.31.1", "numpy==2.4.6"),
        command=lambda bin_, port, _: [
            bin_ / "bentoml", "serve", "bentoml_service:Flowers", "--working-dir", PEERS, "--port", str(port),
        ],
        path="/predict",
        ready="/readyz",
        body=_named,
        env={"BENTOML_DO_NOT_TRACK": "True"},
    ),
    Contender(
        name="Gradio",
        requirements=("gradio==6.31.0", "onnxruntime==1.31.1", "numpy==2.4.6"),
        command=lambda bin_, port, _: [bin_ / "python", PEERS / "gradio_app.py", str(port)],
        path="/gradio_api/run/predict",
        ready="/",
        body=lambda row: {"data": row},
        env={"GRADIO_ANALYTICS_ENABLED": "False"},
    ),
)  # fmt: skip


def main() -> None:
    options = _options()
    chosen = [c for c in CONTENDERS if not options.only or any(o in c.name for o in options.only)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        model = Path(folder) / "iris.onnx"
        iris.write_model(model)
        addresses, missing = _start(chosen, Path(folder), model, servers)
        rows = iris.measurements(30)
        bursts: dict[str, list[wrk.Burst]] = {name: [] for name in addresses}
        for contender in chosen:
            if contender.name in addresses:  # warm-up
                _burst(contender, addresses, rows, 2)
        for turn in range(options.rounds):
            for contender in [*chosen[turn % len(chosen) :], *chosen[: turn % len(chosen)]]:
                if contender.name in addresses:
                    bursts[contender.name].append(_burst(contender, addresses, rows, options.seconds))
                    print(f"round {turn + 1}: {contender.name}", file=sys.stderr)
    _tell(bursts, missing)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="names, or parts of names, of the servers to load")
    return parser.parse_args()


def _start(
    contenders: Sequence[Contender], folder: Path, model: Path, servers: ExitStack
) -> tuple[dict[str, str], dict[str, str]]:
    """Start all of them; the addresses of those that run, and why the others do not."""
    addresses: dict[str, str] = {}
    missing: dict[str, str] = {}
    for contender in contenders:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        try:
            bin_ = (
                environment(contender.name.split()[0].lower(), list(contender.requirements))
                if contender.requirements
                else product()
            )
            servers.enter_context(
                running(
                    contender.command(bin_, port, folder),
                    ready_url=address + contender.ready,
                    log=folder / f"{port}.log",
                    env={"IRIS_MODEL": str(model), "PYTHONPATH": str(PEERS), **contender.env},
                )
            )
            _check_answer(contender, address)
            addresses[contender.name] = address
        except PeerMissing as reason:
            missing[contender.name] = str(reason)
    return addresses, missing


def _check_answer(contender: Contender, address: str) -> None:
    """A server that is fast and wrong must not enter the table."""
    for row, species in (([5.1, 3.5, 1.4, 0.2], 0), ([6.5, 3.0, 5.8, 2.2], 2)):
        body = json.dumps(contender.body(row)).encode()
        request = urllib.request.Request(
            address + contender.path, body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        scores = _scores(answer)
        if max(range(3), key=lambda i: scores[i]) != species or not 0.99 < sum(scores) < 1.01:
            raise PeerMissing(f"it answers {answer} for {row}")


def _scores(answer: dict[str, Any]) -> list[float]:
    """The three scores in the order of SPECIES, from any of the servers' answers."""
    if "data" in answer:  # Gradio
        found = {entry["label"]: entry["confidence"] for entry in answer["data"][0]["confidences"]}
    elif isinstance(answer.get("outputs"), list):  # MLServer
        return [float(score) for score in answer["outputs"][0]["data"]]
    elif "outputs" in answer:  # frontdesk
        found = {entry["label"]: entry["score"] for entry in answer["outputs"]["answer"]["scores"]}
    else:
        found = answer["scores"]
    return [float(found[name]) for name in iris.SPECIES]


def _burst(
    contender: Contender, addresses: Mapping[str, str], rows: list[list[float]], seconds: int
) -> wrk.Burst:
    bodies = [json.dumps(contender.body(row)) for row in rows]
    return wrk.load(
        addresses[contender.name] + contender.path, bodies, connections=CONNECTIONS, seconds=seconds
    )


def _tell(bursts: Mapping[str, list[wrk.Burst]], missing: Mapping[str, str]) -> None:
    references = [name for name in bursts if name.startswith("frontdesk")]
    lines, figures = [], {}
    for name, measured in bursts.items():
        ratios = {
            reference: statistics.median(
                ours.per_second / theirs.per_second
                for ours, theirs in zip(bursts[reference], measured, strict=True)
            )
            for reference in references
        }
        found = {
            "per_second": statistics.median(b.per_second for b in measured),
            "p50_ms": statistics.median(b.p50_ms for b in measured),
            "p99_ms": statistics.median(b.p99_ms for b in measured),
            "failed": sum(b.failed for b in measured),
            "times_faster": ratios,
            "rounds": [round(b.per_second, 1) for b in measured],
        }
        figures[name] = found
        lines.append(
            [
                name,
                f"{found['per_second']:,.0f}",
                f"{found['p50_ms']:.2f}",
                f"{found['p99_ms']:.2f}",
                str(found["failed"]),
                *(f"{ratio:.2f}" for ratio in ratios.values()),
            ]
        )
    headings = ["server", "requests/s", "p50 ms", "p99 ms", "failed"]
    headings += [f"{reference.removeprefix('frontdesk ').strip('()')} is times" for reference in references]
    print(f"\nPredictions over {CONNECTIONS} connections, JSON, one model process; medians over rounds\n")
    print(report.table(headings, lines))
    for name, reason in missing.items():
        print(f"{name}: not measured, {reason}")
    path = report.save(
        "online", {"connections": CONNECTIONS, "servers": figures, "not_measured": dict(missing)}
    )
    print(f"\nSaved as {path}")


if __name__ == "__main__":
    main()
