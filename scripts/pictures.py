"""Take the pictures of docs/images from the running product, in headless Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

REPOSITORY = Path(__file__).resolve().parent.parent
IMAGES = REPOSITORY / "docs" / "images"
SOURCES = ("examples/flowers", "examples/photos", "examples/wine", "examples/clock.py")
DESKTOP, PHONE = {"width": 1200, "height": 820}, {"width": 390, "height": 780}


def main() -> None:
    browser_path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if browser_path is None:
        sys.exit("The pictures need Chromium; on Debian: apt install chromium")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with _frontdesk() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        _tasks(_page(browser, f"{address}/", DESKTOP, "light"))
        _answered(_page(browser, f"{address}/tasks/flowers", DESKTOP, "light"), "flowers")
        _answered(_page(browser, f"{address}/tasks/flowers", PHONE, "dark"), "flowers-phone-dark")
        _answered(_page(browser, f"{address}/tasks/wine", DESKTOP, "dark"), "wine-dark")
        _photos(_page(browser, f"{address}/tasks/photos", DESKTOP, "light"))
        browser.close()


@contextmanager
def _frontdesk() -> Iterator[str]:
    """The product with its examples, on a port and in a data folder of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as data:
        command = [
            Path(sys.executable).parent / "frontdesk",
            "serve",
            "--open",
            *SOURCES,
            "--port",
            str(port),
            "--data",
            data,
        ]
        process = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ, stdout=subprocess.DEVNULL)
        try:
            _wait_for(f"{address}/readyz")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def _page(browser: Browser, url: str, size: dict[str, int], scheme: str) -> Page:
    context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    return page


def _tasks(page: Page) -> None:
    page.screenshot(path=IMAGES / "tasks.png")


def _answered(page: Page, name: str, button: str = "Ask") -> None:
    page.get_by_role("button", name=button, exact=True).click()
    page.locator("#answer .bars").first.wait_for(timeout=60_000)
    for summary in page.locator("#answer summary", has_text="draws").all():
        summary.click()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / f"{name}.png")


def _photos(page: Page) -> None:
    page.locator(".gallery input").nth(2).check(force=True)
    _answered(page, "photos", "Ask all")


if __name__ == "__main__":
    main()
