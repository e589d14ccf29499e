"""The page of a task: bytes, requests and time to interactive, beside Gradio and Streamlit.

    python bench/page.py [--rounds 7] [--only NAME ...]

The same form (four sliders and a button) is opened in headless Chromium with an empty cache. Interactive is
the later of two moments after the navigation began: the button can be pressed, and the scripts
named by the page have run. Then the button is pressed and the answer awaited, which shows that it
was true. Bytes are what came over the wire, compressed, two seconds after the page was there.
Needs Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, sync_playwright

from harness import iris, report
from harness.environments import BENCH, PeerMissing, environment, product
from harness.servers import free_port, running

PEERS = BENCH / "peers"
SETTLE_MS = 2000

# Runs before the page's own scripts and notes when the button is first there, visible and enabled.
_WATCH = """
(() => {
  const look = () => {
    const button = [...document.querySelectorAll("button")].find(b => b.innerText.trim() === "Ask");
    if (button && !button.disabled && button.getClientRects().length) window.__askAt = performance.now();
    else requestAnimationFrame(look);
  };
  look();
})();
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """One page: how its server is started, where the page is and where the answer appears."""

    name: str
    requirements: tuple[str, ...]
    command: Callable[[Path, int, Path], Sequence[str | Path]]
    path: str
    answer: str


CONTENDERS = (
    Contender(
        name="frontdesk",
        requirements=(),
        command=lambda bin_, port, folder: [
            bin_ / "frontdesk", "serve", PEERS / "frontdesk_flowers.py", "--open", "--port", str(port),
            "--data", folder / "data",
        ],
        path="/tasks/flowers",
        answer="text=virginica",
    ),
    Contender(
        name="Gradio",
        requirements=("gradio==6.31.0", "onnxruntime==1.31.1", "numpy==2.4.6"),
        command=lambda bin_, port, _: [bin_ / "python", PEERS / "gradio_app.py", str(port)],
        path="/",
        answer="text=virginica",
    ),
    Contender(
        name="Streamlit",
        requirements=("streamlit==1.67.0", "onnxruntime==1.31.1", "numpy==2.4.6"),
        command=lambda bin_, port, _: [
            bin_ / "streamlit", "run", PEERS / "streamlit_app.py", "--server.port", str(port),
            "--server.address", "127.0.0.1", "--server.headless", "true", "--browser.gatherUsageStats", "false",
        ],
        path="/",
        answer="text=virginica",
    ),
)  # fmt: skip


def main() -> None:
    options = _options()
    chosen = [c for c in CONTENDERS if not options.only or any(o in c.name for o in options.only)]
    visits: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        model = Path(folder) / "iris.onnx"
        iris.write_model(model)
        addresses, missing = _start(chosen, Path(folder), model, stack)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=_chromium(),
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        for turn in range(options.rounds + 1):
            for contender in chosen:
                if contender.name in addresses:
                    found = _visit(browser, addresses[contender.name] + contender.path, contender.answer)
                    if turn:  # the first visit warms the servers up
                        visits.setdefault(contender.name, []).append(found)
        browser.close()
    _tell(visits, missing)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", help="names, or parts of names, of the pages to open")
    return parser.parse_args()


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    sys.exit("This benchmark needs Chromium; on Debian: apt install chromium")


def _start(
    contenders: Sequence[Contender], folder: Path, model: Path, stack: ExitStack
) -> tuple[dict[str, str], dict[str, str]]:
    addresses: dict[str, str] = {}
    missing: dict[str, str] = {}
    for contender in contenders:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        try:
            name = contender.name.lower()
            bin_ = environment(name, list(contender.requirements)) if contender.requirements else product()
            env = {"IRIS_MODEL": str(model), "GRADIO_ANALYTICS_ENABLED": "False"}
            command = contender.command(bin_, port, folder)
            log = folder / f"{port}.log"
            stack.enter_context(running(command, ready_url=address + contender.path, log=log, env=env))
            addresses[contender.name] = address
        except PeerMissing as reason:
            missing[contender.name] = str(reason)
    return addresses, missing


def _visit(browser: Browser, url: str, answer: str) -> dict[str, float]:
    """One visit with nothing in the cache."""
    # The watcher polls through eval, which a strict content security policy rightly forbids.
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    context.add_init_script(_WATCH)
    page = context.new_page()
    traffic = _Traffic(context.new_cdp_session(page))
    page.goto(url, wait_until="commit")
    page.wait_for_function(
        "window.__askAt !== undefined && document.readyState !== 'loading'", timeout=60_000
    )
    page.wait_for_load_state("domcontentloaded")
    page.wait_for_timeout(SETTLE_MS)
    interactive_ms = page.evaluate(
        "Math.max(window.__askAt, performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd)"
    )
    requests, size_bytes = traffic.requests, traffic.size_bytes
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator(answer).first.wait_for(state="visible", timeout=30_000)
    context.close()
    return {"interactive_ms": interactive_ms, "requests": requests, "bytes": size_bytes}


class _Traffic:
    """Counts what the browser fetches."""

    def __init__(self, session: CDPSession) -> None:
        self.requests = 0
        self.size_bytes = 0
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def _sent(self, event: dict[str, Any]) -> None:
        self.requests += not event["request"]["url"].startswith("data:")

    def _finished(self, event: dict[str, Any]) -> None:
        self.size_bytes += int(event["encodedDataLength"])


def _tell(visits: dict[str, list[dict[str, float]]], missing: dict[str, str]) -> None:
    figures: dict[str, Any] = {}
    lines = []
    for name, found in visits.items():
        middle = {key: statistics.median(visit[key] for visit in found) for key in found[0]}
        figures[name] = middle
        lines.append(
            [
                name,
                f"{middle['bytes'] / 1000:,.0f}",
                f"{middle['requests']:.0f}",
                f"{middle['interactive_ms']:,.0f}",
            ]
        )
    print("\nThe page of one task, empty cache; medians\n")
    print(report.table(["page", "kB", "requests", "interactive ms"], lines))
    for name, reason in missing.items():
        print(f"{name}: not measured, {reason}")
    path = report.save("page", {"pages": figures, "not_measured": missing})
    print(f"\nSaved as {path}")


if __name__ == "__main__":
    main()
